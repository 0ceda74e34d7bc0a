/**
 * Gets the frames of a group that was recorded and not stored to its end: from the stream, and where the
 * stream has lost them, from the agents, who keep them until they are told that they are stored. Frames that
 * nobody sends are awaited for as long as nobody decides to go on without them, and said to be missing.
 */
import { type DecodedFrame, decodeFrame } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { subjects } from "../contract/subjects.ts";
import { type FrameSourceDeps, readFrames } from "./frame-source.ts";
import type { GroupManifest } from "./group-manifest.ts";
import type { HeadBook } from "./head-book.ts";
import type { Stuck, StuckGroup } from "./stuck-group.ts";

export type WholeFrame = Extract<DecodedFrame, { kind: "frame" }>;

export type CollectedFrames =
  | { readonly kind: "complete"; readonly frames: readonly WholeFrame[] }
  /** Agents were told that they are stored and have freed them. */
  | { readonly kind: "freed"; readonly reason: string }
  /** A person decided to go on with the frames that were found. */
  | {
      readonly kind: "given_up";
      readonly by: string;
      readonly stuck: Stuck;
      readonly frames: readonly WholeFrame[];
      readonly missing: number;
    }
  | { readonly kind: "aborted"; readonly reason: string };

export async function collectFrames(
  shard: number,
  manifest: GroupManifest,
  stuckGroup: StuckGroup,
  deps: FrameSourceDeps & { heads: HeadBook },
  abort: AbortSignal,
): Promise<CollectedFrames> {
  const found = new Map<string, WholeFrame>();
  const done = new AbortController();
  const ended = AbortSignal.any([abort, done.signal]);
  let freed: string | null = null;
  const ask = (): void => {
    const missing = firstMissing(manifest, found);
    if (missing.length === 0) return done.abort();
    const gone = missing.find(({ spool, hi }) => (deps.heads.get(spool)?.storedThrough ?? 0) >= hi);
    if (gone !== undefined) {
      freed = `spool ${gone.spool} was told that ${gone.hi} is stored`;
      return done.abort();
    }
    for (const { spool, fromSeq } of missing) {
      deps.nats.publish(subjects.want(spool), { spool, fromSeq });
    }
  };
  const stop = deps.clock.every(LIMITS.wantRepeatMs, ask);
  const decision = decisionAboutMissing(manifest, found, stuckGroup, deps, ended).finally(() =>
    done.abort(),
  );
  try {
    for await (const message of readFrames(shard, deps, ended)) {
      const frame = decodeFrame(message.bytes);
      if (frame.kind === "frame" && isOf(manifest, frame)) {
        found.set(key(frame.header.spool, frame.header.seq), frame);
        if (firstMissing(manifest, found).length === 0) break;
      }
    }
  } finally {
    stop();
    done.abort();
  }
  const decided = await decision;
  const frames = [...found.values()].toSorted(
    (a, b) => order(manifest, a) - order(manifest, b) || a.header.seq - b.header.seq,
  );
  if (firstMissing(manifest, found).length === 0) return { kind: "complete", frames };
  if (freed !== null) return { kind: "freed", reason: freed };
  if (decided === null) return { kind: "aborted", reason: "stopped while frames were awaited" };
  return { kind: "given_up", ...decided, frames, missing: countOf(manifest) - frames.length };
}

/** Says after a while what is awaited, and resolves when a person decides; null when aborted before. */
async function decisionAboutMissing(
  manifest: GroupManifest,
  found: ReadonlyMap<string, WholeFrame>,
  stuckGroup: StuckGroup,
  deps: Pick<FrameSourceDeps, "clock" | "logger">,
  ended: AbortSignal,
): Promise<{ by: string; stuck: Stuck } | null> {
  const sinceMs = deps.clock.nowMs();
  await deps.clock.sleep(LIMITS.framesAwaitedMs, ended).catch(() => undefined);
  if (ended.aborted) return null;
  const ranges = firstMissing(manifest, found).map(
    ({ spool, fromSeq, hi }) => `frames ${fromSeq} to ${hi} of spool ${spool}`,
  );
  const reason = `${ranges.join(", ")} are awaited: neither the stream nor an agent has sent them; start the agent that keeps this spool, or set the group aside`;
  const stuck: Stuck = { n: manifest.n, reason, sinceMs, attempts: 1 };
  deps.logger.error({ n: manifest.n }, reason);
  const by = await stuckGroup.waitForDecision(stuck, ended);
  return by === null ? null : { by, stuck };
}

function countOf(manifest: GroupManifest): number {
  return manifest.frames.reduce((sum, { lo, hi }) => sum + hi - lo + 1, 0);
}

function firstMissing(
  manifest: GroupManifest,
  found: ReadonlyMap<string, WholeFrame>,
): { spool: string; fromSeq: number; hi: number }[] {
  return manifest.frames.flatMap(({ spool, lo, hi }) => {
    for (let seq = lo; seq <= hi; seq++) {
      if (!found.has(key(spool, seq))) return [{ spool, fromSeq: seq, hi }];
    }
    return [];
  });
}

function isOf(manifest: GroupManifest, { header }: WholeFrame): boolean {
  return manifest.frames.some(
    ({ spool, lo, hi }) => spool === header.spool && lo <= header.seq && header.seq <= hi,
  );
}

function order(manifest: GroupManifest, { header }: WholeFrame): number {
  return manifest.frames.findIndex(({ spool }) => spool === header.spool);
}

function key(spool: string, seq: number): string {
  return `${spool}/${seq}`;
}

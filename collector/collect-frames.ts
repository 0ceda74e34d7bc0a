/**
 * Gets the frames of a group that was recorded and not stored to its end: from the stream, and where the
 * stream has lost them, from the agents, who keep them until they are told that they are stored.
 */
import { type DecodedFrame, decodeFrame } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { subjects } from "../contract/subjects.ts";
import { type FrameSourceDeps, readFrames } from "./frame-source.ts";
import type { GroupManifest } from "./group-manifest.ts";
import type { HeadBook } from "./head-book.ts";

export type WholeFrame = Extract<DecodedFrame, { kind: "frame" }>;

export type CollectedFrames =
  | { readonly kind: "complete"; readonly frames: readonly WholeFrame[] }
  /** Agents were told that they are stored and have freed them. */
  | { readonly kind: "freed"; readonly reason: string }
  | { readonly kind: "aborted"; readonly reason: string };

export async function collectFrames(
  shard: number,
  manifest: GroupManifest,
  deps: FrameSourceDeps & { heads: HeadBook },
  abort: AbortSignal,
): Promise<CollectedFrames> {
  const found = new Map<string, WholeFrame>();
  const done = new AbortController();
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
  try {
    for await (const message of readFrames(shard, deps, AbortSignal.any([abort, done.signal]))) {
      const frame = decodeFrame(message.bytes);
      if (frame.kind === "frame" && isOf(manifest, frame)) {
        found.set(key(frame.header.spool, frame.header.seq), frame);
        if (firstMissing(manifest, found).length === 0) break;
      }
    }
  } finally {
    stop();
  }
  if (firstMissing(manifest, found).length === 0) {
    const inOrder = [...found.values()].toSorted(
      (a, b) => order(manifest, a) - order(manifest, b) || a.header.seq - b.header.seq,
    );
    return { kind: "complete", frames: inOrder };
  }
  return freed === null
    ? { kind: "aborted", reason: "stopped while frames were awaited" }
    : { kind: "freed", reason: freed };
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

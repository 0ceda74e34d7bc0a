/**
 * One shard, from the stream to the tables: a reader that fills the next group while a writer stores the
 * one before. Exactly once rests on three things: from a spool only the next seq is taken, the manifest
 * says which frames were stored together, and only an owner whose epoch holds can write.
 */
import { decodeFrame } from "../contract/frame.ts";
import type { HeadMessage } from "../contract/messages.ts";
import { LIMITS } from "../contract/limits.ts";
import { subjects } from "../contract/subjects.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Nats } from "../runtime/nats.ts";
import type { Store } from "../store/client.ts";
import type { Retention } from "../store/retention.ts";
import type { CollectorMetrics } from "./collector-metrics.ts";
import { refuseMessage } from "./refuse-message.ts";
import { type StreamFrame, purgeFrames, readFrames } from "./frame-source.ts";
import type { Gate } from "./gate.ts";
import { GroupBuilder } from "./group-builder.ts";
import { GroupPace } from "./group-pace.ts";
import type { GroupManifest } from "./group-manifest.ts";
import type { Ownership } from "./group-store.ts";
import type { HeadBook } from "./head-book.ts";
import type { ModelBook } from "./model-book.ts";
import { type Bounds, type CheckedFrame, checkFrame } from "./payload-check.ts";
import { prepareModels } from "./prepare-models.ts";
import { persistGroup } from "./persist-group.ts";
import type { RetentionBounds } from "./retention-bounds.ts";
import { Signal } from "./signal.ts";
import type { SpoolLedger } from "./spool-ledger.ts";
import type { StuckGroup } from "./stuck-group.ts";
import type { TableBudget } from "./table-budget.ts";
import type { WaitingLabels } from "./waiting-labels.ts";
import type { Watermarks } from "./watermarks.ts";

export interface ShardDeps {
  readonly store: Store;
  readonly nats: Nats;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: CollectorMetrics;
  readonly book: ModelBook;
  readonly heads: HeadBook;
  readonly watermarks: Watermarks;
  /** Shared by all shards of this process. */
  readonly waiting: WaitingLabels;
  readonly bounds: RetentionBounds;
  readonly retention: Retention;
  readonly gate: Gate;
  readonly budget: TableBudget;
}

export interface OwnedShard {
  readonly owner: Ownership;
  readonly ledger: SpoolLedger;
  readonly stuck: StuckGroup;
  /** Number of the next group. */
  readonly nextGroup: number;
}

export interface ShardProgress {
  nextGroup: number;
  groupRows: number;
  groupFrames: number;
  lastStoredMs: number | null;
  streamPending: number;
}

/** Frames wait in the group that is formed; the one before is being stored. */
export class ShardWorker {
  readonly progress: ShardProgress;
  private readonly shard: OwnedShard;
  private readonly deps: ShardDeps;
  private readonly filled = new Signal();
  private readonly emptied = new Signal();
  private forming: GroupBuilder;
  private readonly pace: GroupPace;
  /** The next frame does not fit: the group must be taken as it is. */
  private mustClose = false;
  private lastFrameMs = 0;
  private pending = 0;
  private lastReadSeq = 0;
  private oldestUnstoredSeq = 0;
  private purgedSeq = 0;
  private readonly wantedMs = new Map<string, number>();

  constructor(shard: OwnedShard, deps: ShardDeps) {
    this.shard = shard;
    this.deps = deps;
    this.progress = {
      nextGroup: shard.nextGroup,
      groupRows: 0,
      groupFrames: 0,
      lastStoredMs: null,
      streamPending: 0,
    };
    this.forming = this.newGroup();
    this.pace = new GroupPace(deps.clock.monotonicMs(), LIMITS.groupPace);
  }

  /** Ends when aborted or when the shard has another owner; rejects on what cannot go on. */
  async run(abort: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const both = AbortSignal.any([abort, ended.signal]);
    const work = [this.read(both), this.write(both)].map((part) =>
      part.finally(() => ended.abort()),
    );
    for (const result of await Promise.allSettled(work)) {
      if (result.status === "rejected") throw result.reason;
    }
  }

  /** Answers a head with what is stored, and asks for frames that got lost on their way. */
  hear(head: HeadMessage): void {
    const { ledger, owner } = this.shard;
    const lost = ledger.adopt(head.spool, head.storedThrough);
    if (lost > 0) {
      this.deps.metrics.framesLost.inc({ shard: owner.shard }, lost);
      this.deps.logger.error(
        { spool: head.spool, lost },
        "frames that were stored are missing: the store is older than what agents were told",
      );
    }
    this.tellStored(head.spool);
    const quietMs = this.deps.clock.monotonicMs() - this.lastFrameMs;
    const taken = ledger.takenThrough(head.spool);
    if (this.pending === 0 && quietMs >= LIMITS.wantRepeatMs && head.nextSeq - 1 > taken) {
      this.want(head.spool, taken + 1);
    }
  }

  /** Says to every spool what is stored, so that agents free it. */
  tellAll(): void {
    for (const spool of this.shard.ledger.spools()) this.tellStored(spool);
  }

  private newGroup(): GroupBuilder {
    const { book } = this.deps;
    return new GroupBuilder(this.deps.clock.monotonicMs(), {
      settingsOf: (model) => book.settingsOf(model),
      segmentValues: book,
    });
  }

  private async read(abort: AbortSignal): Promise<void> {
    for await (const message of readFrames(this.shard.owner.shard, this.deps, abort)) {
      this.pending = message.pending;
      this.progress.streamPending = message.pending;
      this.deps.metrics.lag.set({ shard: this.shard.owner.shard }, message.pending);
      await this.accept(message, abort);
      this.lastReadSeq = message.streamSeq;
      this.filled.raise();
      if (abort.aborted) return;
    }
  }

  private async accept(message: StreamFrame, abort: AbortSignal): Promise<void> {
    const { owner, ledger } = this.shard;
    const { metrics } = this.deps;
    const frame = decodeFrame(message.bytes);
    if (frame.kind === "bad") {
      await refuseMessage(this.deps, owner, message, frame.reason);
      return;
    }
    const { spool, seq } = frame.header;
    const offer = ledger.offer(spool, seq);
    if (offer.kind === "known") {
      metrics.framesKnown.inc({ shard: owner.shard });
      return;
    }
    if (offer.kind === "ahead") {
      metrics.framesAhead.inc({ shard: owner.shard });
      this.want(spool, offer.fromSeq);
      return;
    }
    const checked = checkFrame(frame, this.bounds());
    await prepareModels(checked, this.deps.book);
    await this.join(checked, message.streamSeq, abort);
  }

  private bounds(): Bounds {
    return this.deps.bounds.at(this.deps.clock.nowMs());
  }

  /** Adds the frame to the group that is formed, waiting for the next one where it does not fit. */
  private async join(frame: CheckedFrame, streamSeq: number, abort: AbortSignal): Promise<void> {
    while (!this.forming.fits(frame) || this.forming.isFull) {
      this.mustClose = true;
      this.filled.raise();
      await this.emptied.wait(abort);
      if (abort.aborted) return;
    }
    this.forming.add(frame, streamSeq);
    this.shard.ledger.take(frame.header.spool, frame.header.seq);
    this.lastFrameMs = this.deps.clock.monotonicMs();
    if (this.oldestUnstoredSeq === 0) this.oldestUnstoredSeq = streamSeq;
    this.deps.metrics.frames.inc({ shard: this.shard.owner.shard });
  }

  private async write(abort: AbortSignal): Promise<void> {
    while (!abort.aborted) {
      const waitMs = this.msUntilClosing();
      if (waitMs !== 0) {
        await this.filled.wait(abort, waitMs);
        if (this.forming.isEmpty) await this.purge();
        continue;
      }
      const group = this.forming;
      this.forming = this.newGroup();
      this.mustClose = false;
      this.emptied.raise();
      await this.store(group, abort);
    }
  }

  /** 0: close it now; undefined: there is nothing to close. */
  private msUntilClosing(): number | undefined {
    const group = this.forming;
    if (group.isEmpty) return undefined;
    if (this.mustClose || group.isFull) return 0;
    const nowMs = this.deps.clock.monotonicMs();
    const untilOld = group.startedMs + LIMITS.groupAgeMsMax - nowMs;
    if (this.pending > 0) return Math.max(0, untilOld);
    const untilQuiet = this.lastFrameMs + LIMITS.groupLingerMs - nowMs;
    // Who announces a model's clock waits for what comes of it.
    const untilPaced = group.hasClocks ? 0 : this.pace.msUntilNext(nowMs);
    return Math.max(0, Math.min(untilOld, Math.max(untilQuiet, untilPaced)));
  }

  private async store(group: GroupBuilder, abort: AbortSignal): Promise<void> {
    const { owner } = this.shard;
    const n = this.progress.nextGroup;
    this.progress.groupRows = group.rows;
    this.progress.groupFrames = group.frames.length;
    await this.deps.budget.wait(abort);
    if (abort.aborted) return;
    const startedMs = this.deps.clock.monotonicMs();
    const manifest = await persistGroup(group, n, this.shard, this.deps, abort);
    if (manifest === null) return;
    this.progress.nextGroup = n + 1;
    this.progress.lastStoredMs = this.deps.clock.nowMs();
    const endedMs = this.deps.clock.monotonicMs();
    this.pace.spend(endedMs - startedMs, endedMs);
    this.deps.metrics.groupSeconds.observe({ shard: owner.shard }, (endedMs - startedMs) / 1000);
    group.free();
    await this.announce(manifest);
    // What was read since then waits in the next group.
    this.oldestUnstoredSeq = this.forming.firstStreamSeq;
    await this.purge();
  }

  private async announce(manifest: GroupManifest): Promise<void> {
    const { ledger } = this.shard;
    for (const { spool, hi } of manifest.frames) ledger.markStored(spool, hi);
    await this.deps.watermarks.apply(manifest.clocks);
    this.deps.watermarks.noteModels(manifest.models);
    for (const { spool } of manifest.frames) this.tellStored(spool);
  }

  private tellStored(spool: string): void {
    const { shard } = this.shard.owner;
    const storedThrough = this.shard.ledger.storedThrough(spool);
    this.deps.nats.publish(subjects.stored(spool), { spool, shard, storedThrough });
  }

  private want(spool: string, fromSeq: number): void {
    const nowMs = this.deps.clock.monotonicMs();
    const askedMs = this.wantedMs.get(spool);
    if (askedMs !== undefined && nowMs - askedMs < LIMITS.wantRepeatMs) return;
    this.wantedMs.set(spool, nowMs);
    this.deps.metrics.wants.inc({ shard: this.shard.owner.shard });
    this.deps.nats.publish(subjects.want(spool), { spool, fromSeq });
  }

  /** Everything before the oldest frame that is not stored: stored, known, or asked for again. */
  private async purge(): Promise<void> {
    const settled = this.oldestUnstoredSeq === 0 ? this.lastReadSeq : this.oldestUnstoredSeq - 1;
    if (settled <= this.purgedSeq) return;
    try {
      await purgeFrames(this.deps.nats, this.shard.owner.shard, settled);
      this.purgedSeq = settled;
    } catch (error) {
      this.deps.logger.debug({ err: error }, "the stream was not purged; it is tried again");
    }
  }
}

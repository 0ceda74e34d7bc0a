/**
 * From a request's body to the answer "it is on disk": decodes into the open batch, joins what comes within
 * a few milliseconds into one fsync, and resolves every request of the batch after it. A body that was taken
 * in before is answered without a second frame.
 */
import { DriftmendError } from "../contract/driftmend-error.ts";
import { LIMITS } from "../contract/limits.ts";
import { freeWhole } from "../runtime/buffer-memory.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Batch, FrameIsFull } from "./columns/frame-builder.ts";
import type { ModelClocks } from "./model-clocks.ts";
import { emptyOutcome, type Outcome } from "./outcome.ts";
import type { Recorder } from "./recorder.ts";
import { bodyDigest, type Door } from "./spool/digest-memory.ts";
import { diskFull, isDiskFull } from "./spool/disk-reserve.ts";
import type { Spool } from "./spool/spool.ts";

/** Requests that come within this time after a commit share the next one. */
const GROUP_MS = 6;

export type Taken =
  | { readonly kind: "taken"; readonly outcome: Outcome }
  /** The same bytes were taken in before. */
  | { readonly kind: "repeated" };

export interface IntakeDeps {
  readonly spool: Spool;
  readonly recorder: Recorder;
  readonly clocks: ModelClocks;
  readonly clock: Clock;
  readonly spoolBytesMax: number;
  /** The process must not go on: the spool's files are not what they should be. */
  readonly onBroken: (error: unknown) => void;
  readonly onCommitted: (frames: number, models: readonly string[]) => void;
  /** What waits for the disk is less. */
  readonly onRoom: () => void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface SealedBatch {
  readonly batch: Batch;
  readonly waiters: readonly Waiter[];
}

export class Intake {
  private readonly deps: IntakeDeps;
  private readonly digestKey: Buffer;
  private sealed: SealedBatch[] = [];
  private sealedBytes = 0;
  private waiters: Waiter[] = [];
  /** Bodies that are in a batch but not on disk yet. */
  private readonly pending = new Map<string, Promise<void>>();
  private committing: Promise<void> | null = null;
  private wake: AbortController | null = null;
  private lastCommitMs = Number.NEGATIVE_INFINITY;
  /** When the open batch is to be written, but not at once after another one. */
  private dueMs = Number.POSITIVE_INFINITY;
  private diskFull = false;

  constructor(deps: IntakeDeps) {
    this.deps = deps;
    this.digestKey = deps.spool.digestKey;
  }

  /** Null when requests are taken in; else why not. */
  get refusal(): DriftmendError | null {
    const { spool } = this.deps;
    if (this.filled >= 1) return spoolFull(spool.bytes);
    if (this.sealedBytes >= LIMITS.uncommittedBytesMax) return diskBehind();
    return null;
  }

  /** Whether so much waits for the disk that what is not read yet should wait too. */
  get isBehind(): boolean {
    return this.sealedBytes >= LIMITS.uncommittedBytesReadMax;
  }

  /** Bytes that wait to be stored over what may wait. */
  get filled(): number {
    return (this.deps.spool.bytes + this.sealedBytes) / this.deps.spoolBytesMax;
  }

  get isDiskFull(): boolean {
    return this.diskFull;
  }

  /**
   * Takes in what comes only once, and so needs no digest.
   * @param patienceMs how long it may wait for others to be written with it, where nobody waits for an answer
   * @throws as `take`
   */
  async takeNew(read: () => void, patienceMs = 0): Promise<Outcome> {
    const { refusal } = this;
    if (refusal !== null) throw refusal;
    const outcome = this.decode(read);
    if (this.deps.recorder.frame.hasAdded) await this.join(null, patienceMs);
    return outcome;
  }

  /**
   * Takes one request in; `read` puts its records into the recorder and may be called twice.
   * @throws {DriftmendError} spool_full, disk_full, disk_behind (retry later), or what `read` throws
   */
  async take(door: Door, body: Uint8Array, read: () => void): Promise<Taken> {
    return this.takeKnown(bodyDigest(this.digestKey, door, body), read);
  }

  /** As `take`, of what is known by this digest. */
  async takeKnown(digest: string, read: () => void): Promise<Taken> {
    if (this.deps.spool.digests.has(digest)) return { kind: "repeated" };
    const running = this.pending.get(digest);
    if (running !== undefined) {
      await running;
      return { kind: "repeated" };
    }
    const { refusal } = this;
    if (refusal !== null) throw refusal;
    const outcome = this.decode(read);
    if (!this.deps.recorder.frame.hasAdded) return { kind: "taken", outcome };
    const written = this.join(digest);
    this.pending.set(digest, written);
    try {
      await written;
    } finally {
      this.pending.delete(digest);
    }
    return { kind: "taken", outcome };
  }

  /** Puts an announcement of a model's clock into the order of the data; resolves when it is on disk. */
  async announce(model: string, timeMs: number | "wall"): Promise<void> {
    const { refusal } = this;
    if (refusal !== null) throw refusal;
    const { frame } = this.deps.recorder;
    if (frame.isFull) this.seal();
    frame.begin();
    frame.addClock({ model, timeMs });
    this.deps.clocks.announce({ model, timeMs });
    await this.join(null);
  }

  /** A frame without rows, for the way to be tried; resolves when it is on disk. @throws as `take` */
  async heartbeat(): Promise<void> {
    const { refusal } = this;
    if (refusal !== null) throw refusal;
    const { frame } = this.deps.recorder;
    if (frame.isFull) this.seal();
    frame.begin();
    await this.join(null);
  }

  /** Resolves when all that was taken in is on disk, or was refused. */
  async drain(): Promise<void> {
    while (this.committing !== null) await this.committing;
  }

  private decode(read: () => void): Outcome {
    const { recorder } = this.deps;
    const { frame } = recorder;
    if (frame.isFull) this.seal();
    try {
      frame.begin();
      recorder.begin();
      read();
    } catch (error) {
      recorder.rollback();
      if (!(error instanceof FrameIsFull)) throw error;
      this.seal();
      return this.decode(read);
    }
    const { outcome } = recorder;
    recorder.outcome = emptyOutcome();
    return outcome;
  }

  /** Adds the request that was just decoded to the batch. */
  private join(digest: string | null, patienceMs = 0): Promise<void> {
    const { frame } = this.deps.recorder;
    frame.commit(digest);
    const dueMs = this.deps.clock.monotonicMs() + patienceMs;
    if (dueMs < this.dueMs) {
      this.dueMs = dueMs;
      this.wake?.abort();
    }
    const written = new Promise<void>((resolve, reject) => {
      this.waiters.push({ resolve, reject });
    });
    if (frame.isFull || frame.hasParts) this.seal();
    this.committing ??= this.commitAll();
    return written;
  }

  private seal(): void {
    const { frame } = this.deps.recorder;
    if (frame.isEmpty) return;
    const batch = frame.seal();
    this.sealed.push({ batch, waiters: this.waiters });
    this.sealedBytes += batch.bytes;
    this.waiters = [];
    this.dueMs = Number.POSITIVE_INFINITY;
    this.wake?.abort();
  }

  private async commitAll(): Promise<void> {
    const { clock, recorder } = this.deps;
    while (this.sealed.length > 0 || !recorder.frame.isEmpty) {
      if (this.sealed.length === 0) {
        this.wake = new AbortController();
        const atMs = Math.max(this.dueMs, this.lastCommitMs + GROUP_MS);
        const waitMs = Math.max(atMs - clock.monotonicMs(), 0);
        await clock.sleep(waitMs, this.wake.signal).catch(() => undefined);
        // Somebody who is in a hurry may have joined.
        const isDue = !this.wake.signal.aborted;
        this.wake = null;
        if (this.sealed.length === 0 && isDue) this.seal();
      }
      const next = this.sealed.shift();
      if (next !== undefined) await this.write(next);
      this.lastCommitMs = clock.monotonicMs();
    }
    this.committing = null;
  }

  private async write({ batch, waiters }: SealedBatch): Promise<void> {
    const { spool, clocks, onCommitted, onRoom, onBroken } = this.deps;
    try {
      const models = await spool.append(batch);
      this.sealedBytes -= batch.bytes;
      this.diskFull = false;
      clocks.wasWritten(batch.clocks);
      for (const waiter of waiters) waiter.resolve();
      onCommitted(batch.frames.length, models);
    } catch (error) {
      this.sealedBytes -= batch.bytes;
      const refusal = isDiskFull(error) ? diskFull(error) : error;
      this.diskFull = isDiskFull(error);
      for (const waiter of waiters) waiter.reject(refusal);
      this.refuseWaiting(refusal);
      clocks.takeBack();
      if (!this.diskFull) onBroken(error);
    }
    for (const { payloads } of batch.frames) for (const payload of payloads) freeWhole(payload);
    onRoom();
  }

  /** Refuses everything that is not written yet: it may rest on clocks that are taken back. */
  private refuseWaiting(refusal: unknown): void {
    this.seal();
    for (const { waiters } of this.sealed) for (const waiter of waiters) waiter.reject(refusal);
    this.sealed = [];
    this.sealedBytes = 0;
  }
}

function spoolFull(bytes: number): DriftmendError {
  return new DriftmendError("spool_full", {
    retry: "later",
    message: `Cannot take the request in as the spool must keep it until it is stored: ${bytes} bytes wait already`,
    next: "Check that collector and ClickHouse run; the exporter's retry is then taken in. DRIFTMEND_SPOOL_BYTES_MAX sets the limit.",
  });
}

function diskBehind(): DriftmendError {
  return new DriftmendError("disk_behind", {
    retry: "later",
    message: "Cannot take the request in as the disk is behind: too much waits to be written",
    next: "Send again later; a faster disk or another agent takes more.",
  });
}

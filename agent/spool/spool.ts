/**
 * The spool: frames on disk, numbered without a gap, until the collector reports them stored. It is the
 * source of truth for everything that was answered with success. All changes run one after the other.
 */
import { mkdir, readdir, rm, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { encodeFrame, type FrameHeader } from "../../contract/frame.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Batch } from "../columns/frame-builder.ts";
import { apply, clocksAfter } from "../model-clocks.ts";
import { DigestMemory } from "./digest-memory.ts";
import { DiskReserve, isDiskFull } from "./disk-reserve.ts";
import { lockFolder } from "./folder-lock.ts";
import { FrameCache } from "./frame-cache.ts";
import { type FrameEntry, fillGaps, modelsOf, recoverFrames } from "./recover-frames.ts";
import { renumberFrames } from "./renumber-frames.ts";
import { readWholeFrame } from "./read-whole-frame.ts";
import { firstSeqOf, type Segment, segmentPath, SegmentWriter } from "./segment.ts";
import { newSpoolState, readSpoolState, type SpoolState, writeSpoolState } from "./spool-state.ts";

export interface SpoolDeps {
  readonly nowMs: () => number;
  readonly logger: Logger;
  /** 128 random bits as 32 hex digits. */
  readonly randomHex: () => string;
}

export class Spool {
  readonly digests: DigestMemory;
  private readonly folder: string;
  private readonly deps: SpoolDeps;
  private readonly unlock: () => void;
  private state: SpoolState;
  /** Frames that are not known to be stored, by seq from `storedThrough + 1`. */
  private frames: FrameEntry[] = [];
  private segments: Segment[] = [];
  private writer: SegmentWriter | null = null;
  /** Digests by segment, to be kept when it is freed. */
  private readonly digestsOf = new Map<Segment, [string, number][]>();
  private readonly cache = new FrameCache();
  private readonly reserve: DiskReserve;
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, state: SpoolState, unlock: () => void, deps: SpoolDeps) {
    this.folder = folder;
    this.state = state;
    this.unlock = unlock;
    this.deps = deps;
    this.digests = new DigestMemory(folder);
    this.reserve = new DiskReserve(join(folder, "reserve"));
  }

  /** Opens the spool in `folder`, made if need be. @throws {DriftmendError} spool_in_use, spool_state_invalid */
  static async open(folder: string, deps: SpoolDeps): Promise<Spool> {
    await mkdir(folder, { recursive: true });
    const unlock = await lockFolder(folder);
    try {
      const found = await readSpoolState(folder);
      const spool = new Spool(folder, found ?? newSpoolState(deps.randomHex), unlock, deps);
      await spool.recover(found !== null);
      return spool;
    } catch (error) {
      unlock();
      throw error;
    }
  }

  get id(): string {
    return this.state.spool;
  }

  get digestKey(): Buffer {
    return Buffer.from(this.state.digestKey, "hex");
  }

  get nextSeq(): number {
    return this.state.nextSeq;
  }

  get storedThrough(): number {
    return this.state.storedThrough;
  }

  /** Null when every frame may be published; else the first that must wait for a collector's word. */
  get unconfirmedFrom(): number | null {
    return this.state.unconfirmedFrom;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  get oldestUnstoredMs(): number | null {
    return this.frames[0]?.acceptedMs ?? null;
  }

  /** When the frame was taken in; null when it is stored or not written yet. */
  acceptedMsOf(seq: number): number | null {
    return this.frames[seq - this.state.storedThrough - 1]?.acceptedMs ?? null;
  }

  get unstoredFrames(): number {
    return this.frames.length;
  }

  /** Announced clocks by model, of all frames. */
  get clocks(): ReadonlyMap<string, number> {
    return new Map(this.state.clocks);
  }

  /** Writes the batch's frames and fsyncs them: all or none. Answers the models in them. */
  append(batch: Batch): Promise<readonly string[]> {
    return this.exclusive(() => this.appendNow(batch));
  }

  /**
   * The frame's bytes; an empty frame where it was lost. Null when it is stored or not written yet.
   * @throws what the disk answers when it cannot be read now
   */
  async read(seq: number): Promise<Buffer | null> {
    const cached = this.cache.get(seq);
    if (cached !== undefined) return cached;
    const entry = this.frames[seq - this.state.storedThrough - 1];
    if (entry === undefined) return null;
    if (entry.place === null) return this.emptyFrame(entry);
    const found = await readWholeFrame(this.id, entry, entry.place);
    // Its file may be gone because it was stored in the meantime.
    if (this.frames[seq - this.state.storedThrough - 1] !== entry) return null;
    if (found.kind === "whole") return found.bytes;
    if (found.kind === "unreadable") throw found.error;
    const { path } = entry.place.segment;
    this.deps.logger.error(
      { seq, path, reason: found.reason },
      "a frame of the spool is damaged and lost; the disk should be checked",
    );
    const lost = { ...entry, place: null };
    this.frames[seq - this.state.storedThrough - 1] = lost;
    return this.emptyFrame(lost);
  }

  /** Lets go of the memory that a frame's bytes take; they are read from disk if asked for again. */
  wasPublished(seq: number): void {
    this.cache.delete(seq);
  }

  /** The collector has stored all frames up to `through`, which it must have had from us. */
  markStored(through: number): Promise<void> {
    return this.exclusive(() => this.markStoredNow(Math.min(through, this.nextSeq - 1)));
  }

  /** A collector knows no frame of this spool that we do not: later frames may be published, also on a full disk. */
  confirm(): Promise<void> {
    return this.exclusive(async () => {
      if (this.state.unconfirmedFrom === null) return;
      this.state = { ...this.state, unconfirmedFrom: null };
      await this.writeIfRoom();
    });
  }

  /**
   * The folder is a copy: another agent has published frames under this spool's name that we do not have.
   * Those from `unconfirmedFrom` on are ours alone and get a new name and new numbers; the others are the
   * other's too and are left to it.
   */
  becomeAnother(): Promise<void> {
    return this.exclusive(() => this.becomeAnotherNow());
  }

  async prune(): Promise<void> {
    await this.exclusive(() => this.digests.prune(this.deps.nowMs()));
  }

  async close(): Promise<void> {
    await this.exclusive(async () => {
      await this.writer?.close();
      this.writer = null;
      await this.reserve.spend(() => this.writeState());
    });
    this.unlock();
  }

  private async recover(isOld: boolean): Promise<void> {
    await this.digests.load(this.deps.nowMs());
    await this.removeOtherSpools();
    await mkdir(this.framesFolder(), { recursive: true });
    await this.reserve.take();
    if (!isOld) {
      await this.writeState();
      return;
    }
    const { storedThrough, spool } = this.state;
    const found = (await readdir(this.framesFolder())).map(firstSeqOf);
    const segments = found
      .filter((firstSeq) => firstSeq !== null)
      .toSorted((a, b) => a - b)
      .map((firstSeq) => {
        return { path: segmentPath(this.framesFolder(), firstSeq), firstSeq, bytes: 0 };
      });
    const recovered = await recoverFrames(spool, segments, storedThrough + 1, this.deps);
    this.segments = recovered.segments;
    const clocks = new Map(this.state.clocks);
    for (const frame of recovered.frames) {
      this.note(frame);
      for (const clock of frame.clocks) apply(clocks, clock);
    }
    const lastSeq = recovered.frames.at(-1)?.seq ?? 0;
    const nextSeq = Math.max(this.state.nextSeq, lastSeq + 1, storedThrough + 1);
    this.frames = fillGaps(recovered.frames, storedThrough + 1, nextSeq, this.deps.nowMs());
    this.state = {
      ...this.state,
      nextSeq,
      clocks: [...clocks],
      unconfirmedFrom: this.state.unconfirmedFrom ?? nextSeq,
    };
    await this.writeIfRoom();
  }

  /** For what the old state and the frames tell well enough: on a full disk an agent starts and publishes, and so makes room. */
  private async writeIfRoom(): Promise<void> {
    try {
      await this.reserve.spend(() => this.writeState());
      await this.reserve.take();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.deps.logger.warn({ err: error }, "the spool's disk is full; its state is written later");
    }
  }

  private async appendNow(batch: Batch): Promise<readonly string[]> {
    const acceptedMs = this.deps.nowMs();
    const headers = batch.frames.map(({ sections }, i): FrameHeader => {
      const isLast = i === batch.frames.length - 1;
      return {
        spool: this.id,
        seq: this.nextSeq + i,
        acceptedMs,
        digests: isLast ? [...batch.digests] : [],
        sections: [...sections],
        clocks: isLast ? [...batch.clocks] : [],
        ...(isLast ? {} : { continues: true }),
      };
    });
    const frames = headers.map((header, i) => encodeFrame(header, batch.frames[i]?.payloads ?? []));
    const writer = await this.writerFor(this.nextSeq);
    let offset = writer.segment.bytes;
    await writer.append(frames);
    const models = new Set<string>();
    for (const [i, header] of headers.entries()) {
      const bytes = frames[i] ?? Buffer.alloc(0);
      const entry: FrameEntry = {
        seq: header.seq,
        acceptedMs,
        place: { segment: writer.segment, offset },
        bytes: bytes.length,
        models: modelsOf(header),
        digests: header.digests,
        clocks: header.clocks,
        continues: header.continues === true,
      };
      offset += bytes.length;
      for (const model of entry.models) models.add(model);
      this.frames.push(entry);
      this.note(entry);
      this.cache.add(header.seq, bytes);
    }
    this.state = {
      ...this.state,
      nextSeq: this.nextSeq + frames.length,
      clocks: clocksAfter(this.state.clocks, batch.clocks),
    };
    return [...models];
  }

  /** A segment to write to: the open one, or a new one where that is full. */
  private async writerFor(seq: number): Promise<SegmentWriter> {
    if (this.writer !== null && this.writer.segment.bytes < LIMITS.spoolSegmentBytesMax) {
      return this.writer;
    }
    await this.writer?.close();
    this.writer = null;
    const last = this.segments.at(-1);
    const reusable =
      last !== undefined && last.bytes < LIMITS.spoolSegmentBytesMax && last.firstSeq <= seq;
    if (reusable) {
      this.writer = await SegmentWriter.reopen(last);
    } else {
      this.writer = await SegmentWriter.create(this.framesFolder(), seq);
      this.segments.push(this.writer.segment);
    }
    return this.writer;
  }

  private async markStoredNow(through: number): Promise<void> {
    if (through <= this.storedThrough) return;
    for (let seq = this.storedThrough + 1; seq <= through; seq++) this.wasPublished(seq);
    this.frames.splice(0, through - this.storedThrough);
    this.state = { ...this.state, storedThrough: through };
    await this.free();
  }

  /** Removes segments of which everything is stored; what must outlive them is written before. */
  private async free(): Promise<void> {
    const firstNeeded = this.frames.find(({ place }) => place !== null)?.place?.segment;
    const stored: Segment[] = [];
    for (const segment of this.segments) {
      if (segment === firstNeeded) break;
      const isOpen = segment === this.segments.at(-1);
      if (isOpen && segment.bytes < LIMITS.spoolSegmentStoredBytesMax) break;
      stored.push(segment);
    }
    const [oldest] = stored;
    if (oldest === undefined) return;
    if (this.writer !== null && stored.includes(this.writer.segment)) {
      await this.writer.close();
      this.writer = null;
    }
    const oldestMs = this.deps.nowMs() - LIMITS.exporterRetryMemoryMs;
    const keep = async (): Promise<void> => {
      for (const segment of stored) {
        const young = (this.digestsOf.get(segment) ?? []).filter(([, ms]) => ms > oldestMs);
        await this.digests.save(`${this.id}-${segment.firstSeq}`, young);
      }
      await this.writeState();
    };
    // A kill just then costs the memory of that segment's requests: their rows are stored.
    await this.reserve.spend(keep, () => truncate(oldest.path));
    this.segments = this.segments.filter((segment) => !stored.includes(segment));
    for (const segment of stored) {
      this.digestsOf.delete(segment);
      await unlink(segment.path);
    }
    await this.reserve.take();
  }

  private async becomeAnotherNow(): Promise<void> {
    const old = this.id;
    const from = this.state.unconfirmedFrom ?? this.storedThrough + 1;
    await this.writer?.close();
    this.writer = null;
    const spool = this.deps.randomHex();
    const ours = this.frames.map(({ seq }) => seq).filter((seq) => seq >= from);
    const folder = join(this.folder, `frames-${spool}`);
    const renumbered = await renumberFrames(spool, folder, ours, (seq) => this.read(seq));
    const digests = [...this.digestsOf.values()].flat();
    await this.digests.save(`${old}-all`, digests);
    this.cache.clear();
    this.digestsOf.clear();
    this.segments = renumbered.segments;
    this.frames = renumbered.frames;
    const nextSeq = renumbered.frames.length + 1;
    this.state = { ...this.state, spool, nextSeq, storedThrough: 0, unconfirmedFrom: null };
    for (const frame of renumbered.frames) this.note(frame);
    await this.writeState();
    await this.removeOtherSpools();
    this.deps.logger.warn(
      { was: old, is: spool, frames: renumbered.frames.length },
      "another agent uses this spool's name (a copied folder or restored snapshot); a new one was taken",
    );
  }

  private async removeOtherSpools(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      if (name.startsWith("frames-") && name !== `frames-${this.id}`) {
        await rm(join(this.folder, name), { recursive: true });
      }
    }
  }

  private note(entry: FrameEntry): void {
    if (entry.place === null) return;
    const digests = this.digestsOf.get(entry.place.segment) ?? [];
    for (const digest of entry.digests) {
      digests.push([digest, entry.acceptedMs]);
      this.digests.add(digest, entry.acceptedMs);
    }
    this.digestsOf.set(entry.place.segment, digests);
  }

  private emptyFrame({ seq, acceptedMs }: FrameEntry): Buffer {
    const header = { spool: this.id, seq, acceptedMs, digests: [], sections: [], clocks: [] };
    return encodeFrame(header, []);
  }

  private framesFolder(): string {
    return join(this.folder, `frames-${this.id}`);
  }

  private async writeState(): Promise<void> {
    await writeSpoolState(this.folder, this.state);
  }

  private exclusive<T>(action: () => Promise<T>): Promise<T> {
    const result = this.queue.then(action);
    this.queue = result.catch(() => undefined);
    return result;
  }
}

/**
 * Clocks and watermarks of models. In replay both are the last stored announcement; on the wall the
 * watermark is now while every live spool is stored to its end, else when its oldest unstored frame was
 * accepted; it is told once every live spool must have been heard, since after a start or an absence of NATS
 * they may hold much that is not stored. Messages are repeated, so that nobody depends on having heard one.
 */
import type { WatermarkMessage } from "../contract/messages.ts";
import { subjects } from "../contract/subjects.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Nats } from "../runtime/nats.ts";
import type { Store } from "../store/client.ts";
import { allModelClocks, seenModels } from "../store/queries/model-clocks.ts";
import type { HeadBook } from "./head-book.ts";

interface ModelClock {
  readonly clock: "wall" | "replay";
  readonly timeMs: number;
  readonly revision: number;
}

export interface WatermarkDeps {
  readonly store: Pick<Store, "query" | "insert">;
  readonly nats: Pick<Nats, "publish">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heads: HeadBook;
  /** Of a spool whose shard is ours: stored to this seq; else null. */
  readonly storedThrough: (spool: string) => number | null;
}

export class Watermarks {
  private readonly clocks = new Map<string, ModelClock>();
  private readonly wallModels = new Set<string>();
  /** Models whose row in `model_clocks` is older than what was told. */
  private readonly unwritten = new Set<string>();
  private readonly deps: WatermarkDeps;
  private writing: Promise<void> = Promise.resolve();

  constructor(deps: WatermarkDeps) {
    this.deps = deps;
  }

  /** Reads what clocks said when the last collector stopped. */
  async load(): Promise<void> {
    for (const { model, clock, time, revision } of await this.deps.store.query(
      allModelClocks,
      {},
    )) {
      this.clocks.set(model, { clock, timeMs: time, revision });
    }
    const seen = await this.deps.store.query(seenModels, {});
    this.noteModels(seen.map(({ model }) => model));
  }

  /**
   * Applies a group's announcements in their order and tells everybody. Their rows are written meanwhile:
   * the manifests of the newest groups have them too, for whoever takes the shard.
   */
  async apply(
    announced: readonly { readonly model: string; readonly time_ms: number }[],
  ): Promise<void> {
    const changed = new Map<string, ModelClock>();
    const updated = this.deps.clock.nowMs();
    for (const { model, time_ms: ms } of announced) {
      const revision = Math.max((this.clocks.get(model)?.revision ?? 0) + 1, updated);
      const clock = ms < 0 ? "wall" : "replay";
      changed.set(model, { clock, timeMs: Math.max(ms, 0), revision });
    }
    if (changed.size === 0) return;
    for (const [model, clock] of changed) this.clocks.set(model, clock);
    for (const model of changed.keys()) this.publish(model);
    for (const model of changed.keys()) this.unwritten.add(model);
    await this.writing;
    this.writing = this.write();
  }

  private async write(): Promise<void> {
    const models = [...this.unwritten];
    this.unwritten.clear();
    const updated = this.deps.clock.nowMs();
    const rows = models.flatMap((model) => {
      const known = this.clocks.get(model);
      if (known === undefined) return [];
      return [{ model, clock: known.clock, time: known.timeMs, updated, revision: known.revision }];
    });
    try {
      await this.deps.store.insert("model_clocks", rows);
    } catch (error) {
      for (const model of models) this.unwritten.add(model);
      this.deps.logger.warn({ err: error }, "clocks were not written; it is tried again");
    }
  }

  /**
   * Models that were seen without a replay. One that only has a document has no time yet: its first words
   * may be a replay's, which would be compared with the wall's.
   */
  noteModels(models: Iterable<string>): void {
    for (const model of models) {
      if (!this.clocks.has(model)) this.wallModels.add(model);
    }
  }

  /** Resolves when nothing is being written any more. */
  flush(): Promise<void> {
    return this.writing;
  }

  /** Tells every model's watermark again, and writes clocks that could not be written. */
  publishAll(): void {
    if (this.unwritten.size > 0) this.writing = this.writing.then(() => this.write());
    const models = new Set([...this.clocks.keys(), ...this.wallModels]);
    for (const head of this.deps.heads.live(this.deps.clock.nowMs())) {
      for (const model of head.models) models.add(model);
    }
    for (const model of models) this.publish(model);
  }

  /** The message as it stands. */
  current(model: string): WatermarkMessage {
    const clock = this.clocks.get(model);
    if (clock?.clock === "replay") {
      return { model, clock: "replay", watermarkMs: clock.timeMs, clockMs: clock.timeMs };
    }
    const nowMs = this.deps.clock.nowMs();
    return { model, clock: "wall", watermarkMs: this.wallWatermark(nowMs), clockMs: nowMs };
  }

  private publish(model: string): void {
    const message = this.current(model);
    if (message.clock === "wall" && !this.deps.heads.isComplete(message.clockMs)) return;
    this.deps.nats.publish(subjects.watermark(model), message);
  }

  private wallWatermark(nowMs: number): number {
    let watermark = nowMs;
    for (const head of this.deps.heads.live(nowMs)) {
      const stored = Math.max(head.storedThrough, this.deps.storedThrough(head.spool) ?? 0);
      if (stored >= head.nextSeq - 1) continue;
      watermark = Math.min(watermark, head.oldestUnstoredMs ?? head.sentMs);
    }
    return Math.floor(watermark);
  }
}

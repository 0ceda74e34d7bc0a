/**
 * The batch that is being filled: columns, dead letters, clock announcements and request digests, which
 * become one frame, or several where one request is larger than a frame. A request is added as a whole or
 * taken back as a whole; one that does not fit beside others is told so and begins the next batch.
 */
import type { FrameClock, FrameSection } from "../../contract/frame.ts";
import { LIMITS } from "../../contract/limits.ts";
import { type NamedColumn, writeBlock } from "../../contract/native-block.ts";
import { buildDeadLetterBlock, type DeadLetterRow } from "../../contract/payload-blocks.ts";
import { Interner } from "./interner.ts";
import type { ServerMetricRow } from "../../contract/server-metric.ts";
import { LabelColumns } from "./label-columns.ts";
import { PredictionColumns } from "./prediction-columns.ts";
import { ServerMetricRows } from "./server-metric-rows.ts";

export interface FrameContent {
  readonly sections: readonly FrameSection[];
  readonly payloads: readonly Uint8Array[];
}

/** Frames that are written together, the last of which carries digests and clocks. */
export interface Batch {
  readonly frames: readonly FrameContent[];
  readonly digests: readonly string[];
  readonly clocks: readonly FrameClock[];
  readonly bytes: number;
}

/** Thrown where a request must begin the next batch; the caller takes the request back. */
export class FrameIsFull extends Error {
  override readonly name = "FrameIsFull";
}

/** Where a request begins that is the first of its frame. */
const NOTHING_YET = {
  predictions: 0,
  labels: 0,
  deadLetters: 0,
  deadLetterBytes: 0,
  deadLetterNameUnits: 0,
  clocks: 0,
  serverMetrics: 0,
};

/** Escaped in JSON a UTF-16 unit takes up to six bytes; with quotes, colon and count. */
const NAME_UNIT_BYTES = 6;
const NAME_BYTES = 24;

export class FrameBuilder {
  readonly interner: Interner;
  readonly predictions: PredictionColumns;
  readonly labels: LabelColumns;
  private deadLetters: DeadLetterRow[] = [];
  private deadLetterBytes = 0;
  private deadLetterNameUnits = 0;
  private digests: string[] = [];
  private clocks: FrameClock[] = [];
  private parts: FrameContent[] = [];
  private requests = 0;
  private readonly serverMetrics = new ServerMetricRows();
  private mark = NOTHING_YET;

  constructor(pinnedTexts: readonly string[]) {
    this.interner = new Interner(pinnedTexts);
    this.predictions = new PredictionColumns(this.interner);
    this.labels = new LabelColumns(this.interner);
  }

  get isEmpty(): boolean {
    return this.requests === 0;
  }

  /** True when the batch consists of one request that is larger than a frame. */
  get hasParts(): boolean {
    return this.parts.length > 0;
  }

  get rows(): number {
    return (
      this.predictions.rows +
      this.labels.rows +
      this.deadLetters.length +
      this.serverMetrics.rows.length
    );
  }

  /** True when nothing more should be added. */
  get isFull(): boolean {
    return (
      this.isFullOfRows ||
      this.digests.length >= LIMITS.frameRequestsMax ||
      this.clocks.length >= LIMITS.frameClocksMax
    );
  }

  private get isFullOfRows(): boolean {
    return (
      this.rows >= LIMITS.frameRowsMax ||
      this.bytesBound() >= LIMITS.frameBytesMax ||
      this.modelNamesBound() >= LIMITS.frameModelNamesBytesMax
    );
  }

  /** Begins a request; all that is added until `commit` can be taken back by `rollback`. */
  begin(): void {
    if (this.isEmpty && this.interner.size > LIMITS.internedStringsMax) this.resetColumns(true);
    this.mark = {
      predictions: this.predictions.rows,
      labels: this.labels.rows,
      deadLetters: this.deadLetters.length,
      deadLetterBytes: this.deadLetterBytes,
      deadLetterNameUnits: this.deadLetterNameUnits,
      clocks: this.clocks.length,
      serverMetrics: this.serverMetrics.rows.length,
    };
  }

  /** True when the request that is open added anything. */
  get hasAdded(): boolean {
    const { mark } = this;
    return (
      this.parts.length > 0 ||
      this.predictions.rows > mark.predictions ||
      this.labels.rows > mark.labels ||
      this.deadLetters.length > mark.deadLetters ||
      this.serverMetrics.rows.length > mark.serverMetrics ||
      this.clocks.length > mark.clocks
    );
  }

  commit(digest: string | null): void {
    this.requests++;
    if (digest !== null) this.digests.push(digest);
  }

  rollback(): void {
    const { mark } = this;
    this.parts = [];
    this.predictions.truncate(mark.predictions);
    this.labels.truncate(mark.labels);
    this.deadLetters.length = mark.deadLetters;
    this.deadLetterBytes = mark.deadLetterBytes;
    this.deadLetterNameUnits = mark.deadLetterNameUnits;
    this.clocks.length = mark.clocks;
    this.serverMetrics.truncate(mark.serverMetrics);
  }

  /**
   * To be called after each row. A request that stands alone goes on in another frame of the same batch.
   * @throws {FrameIsFull} when others stand in the batch already
   */
  rowAdded(): void {
    if (!this.isFullOfRows) return;
    if (!this.isEmpty) throw new FrameIsFull();
    this.parts.push(this.content());
    this.resetColumns(false);
    this.mark = NOTHING_YET;
  }

  addDeadLetter(row: DeadLetterRow): void {
    this.deadLetters.push(row);
    this.deadLetterNameUnits += row.model?.length ?? 0;
    this.deadLetterBytes += 3 * ((row.sample?.length ?? 0) + (row.detail?.length ?? 0)) + 64;
    this.rowAdded();
  }

  addServerMetric(row: ServerMetricRow): void {
    this.serverMetrics.add(row);
    this.rowAdded();
  }

  addClock(clock: FrameClock): void {
    this.clocks.push(clock);
  }

  /** Takes everything out as a batch and begins the next one. */
  seal(): Batch {
    const frames = this.parts;
    if (this.rows > 0 || frames.length === 0) frames.push(this.content());
    const { digests, clocks } = this;
    this.parts = [];
    this.digests = [];
    this.clocks = [];
    this.requests = 0;
    this.resetColumns(this.interner.size > LIMITS.internedStringsMax);
    const bytes = frames.reduce(
      (sum, frame) => sum + frame.payloads.reduce((part, { length }) => part + length, 0),
      0,
    );
    return { frames, digests, clocks, bytes };
  }

  private content(): FrameContent {
    const sections: FrameSection[] = [];
    const payloads: Uint8Array[] = [];
    const add = (section: FrameSection, payload: Uint8Array): void => {
      sections.push(section);
      payloads.push(payload);
    };
    const { predictions, labels, deadLetters } = this;
    if (predictions.rows > 0) {
      const columns = predictions.finish();
      const payload = writeBlock({ rows: predictions.rows, columns });
      add(sectionOf("predictions", "ts", columns, payload.length), payload);
    }
    if (labels.rows > 0) {
      const columns = labels.finish();
      const payload = writeBlock({ rows: labels.rows, columns });
      add(sectionOf("labels", "time", columns, payload.length), payload);
    }
    if (deadLetters.length > 0) {
      const payload = buildDeadLetterBlock(deadLetters);
      const times = deadLetters.map(({ time }) => time);
      const models = new Map<string, number>();
      for (const { model = "" } of deadLetters) models.set(model, (models.get(model) ?? 0) + 1);
      add(
        {
          table: "dead_letters",
          rows: deadLetters.length,
          bytes: payload.length,
          fromMs: Math.min(...times.slice(0, 1), ...times.slice(-1)),
          toMs: Math.max(...times.slice(0, 1), ...times.slice(-1)),
          models: Object.fromEntries(models),
        },
        payload,
      );
    }
    const metrics = this.serverMetrics.finish();
    if (metrics !== null) add(metrics.section, metrics.payload);
    return { sections, payloads };
  }

  private resetColumns(forgetTexts: boolean): void {
    this.predictions.reset();
    this.labels.reset();
    this.deadLetters = [];
    this.deadLetterBytes = 0;
    this.deadLetterNameUnits = 0;
    this.serverMetrics.truncate(0);
    if (forgetTexts) this.interner.reset();
  }

  private bytesBound(): number {
    return (
      this.predictions.bytesBound() +
      this.labels.bytesBound() +
      this.deadLetterBytes +
      this.serverMetrics.bytesBound
    );
  }

  private modelNamesBound(): number {
    const { model } = this.predictions;
    const { model: labelled } = this.labels;
    const { rows, nameUnits } = this.serverMetrics;
    const names = model.keyCount + labelled.keyCount + this.deadLetters.length + rows.length;
    const units = model.keyLength + labelled.keyLength + this.deadLetterNameUnits + nameUnits;
    return NAME_UNIT_BYTES * units + NAME_BYTES * names;
  }
}

function sectionOf(
  table: "predictions" | "labels",
  timeColumn: "ts" | "time",
  columns: readonly NamedColumn[],
  bytes: number,
): FrameSection {
  let fromMs = Number.POSITIVE_INFINITY;
  let toMs = Number.NEGATIVE_INFINITY;
  const times = columns.find(({ name }) => name === timeColumn)?.column;
  if (times?.kind === "time") {
    const { values } = times;
    for (let i = 0; i < values.length; i++) {
      fromMs = Math.min(fromMs, values[i]!);
      toMs = Math.max(toMs, values[i]!);
    }
  }
  const counts = new Map<string, number>();
  const model = columns.find(({ name }) => name === "model")?.column;
  if (model?.kind === "dictionary") {
    const rowsOf = new Uint32Array(model.keys.length);
    const { indexes } = model;
    for (let i = 0; i < indexes.length; i++) rowsOf[indexes[i]!]!++;
    for (const [i, key] of model.keys.entries()) {
      if (rowsOf[i]! > 0) counts.set(key, rowsOf[i]!);
    }
  }
  const models = Object.fromEntries(counts);
  const rows = model?.kind === "dictionary" ? model.indexes.length : 0;
  return { table, rows, bytes, fromMs, toMs, models };
}

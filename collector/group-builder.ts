/** A group while it is formed: frames that fit together, their payloads as they will be inserted, their rollups. */
import { LIMITS } from "../contract/limits.ts";
import { textAt } from "../contract/native-block.ts";
import { freeOwn } from "../runtime/buffer-memory.ts";
import type { GroupManifest } from "./group-manifest.ts";
import type { ModelSettings, SegmentValues } from "./model-settings.ts";
import type { CheckedFrame, DeadLetter, SectionTable } from "./payload-check.ts";
import type { RecordIds } from "./record-ids.ts";
import { RollupBuilder } from "./rollup/rollup-builder.ts";
import { type GroupSection, piecesOfSections } from "./section-pieces.ts";
import type { WaitingLabels } from "./waiting-labels.ts";

const DAY_MS = 86_400_000;
const MONTH_MS = 28 * DAY_MS;

export interface OwnDeadLetter extends DeadLetter {
  readonly spool: string;
  readonly seq: number;
}

export interface GroupBuilderDeps {
  readonly settingsOf: (model: string) => ModelSettings;
  readonly segmentValues: SegmentValues;
}

export class GroupBuilder {
  readonly startedMs: number;
  readonly sections: GroupSection[] = [];
  readonly ownDeadLetters: OwnDeadLetter[] = [];
  readonly labelIds: RecordIds[] = [];
  readonly rollups: RollupBuilder;
  readonly frames: { spool: string; lo: number; hi: number }[] = [];
  readonly clocks: { model: string; time_ms: number }[] = [];
  rows = 0;
  bytes = 0;
  /** Stream sequences of the first and last frame. */
  firstStreamSeq = 0;
  lastStreamSeq = 0;
  acceptedMs = 0;
  oldestAcceptedMs = Number.POSITIVE_INFINITY;
  private predictions = 0;
  private labels = 0;
  private agentDeadLetters = 0;
  private serverMetrics = 0;
  private readonly metricSpan = new Span();
  private readonly predictionSpan = new Span();
  private readonly predictionIds: RecordIds[] = [];
  private readonly labelSpan = new Span();
  private readonly predictedSpan = new Span();
  private readonly days = new Set<number>();
  private readonly labelMonths = new Set<number>();

  constructor(startedMs: number, deps: GroupBuilderDeps) {
    this.startedMs = startedMs;
    this.rollups = new RollupBuilder(deps.settingsOf, deps.segmentValues);
  }

  get isEmpty(): boolean {
    return this.frames.length === 0;
  }

  get hasClocks(): boolean {
    return this.clocks.length > 0;
  }

  get isFull(): boolean {
    return this.rows >= LIMITS.groupRowsMax || this.bytes >= LIMITS.groupBytesMax;
  }

  /** Whether the frame may join without the group growing too large or touching too many partitions. */
  fits(frame: CheckedFrame): boolean {
    if (this.isEmpty) return true;
    if (this.bytes + frame.bytes > LIMITS.groupBytesMax) return false;
    if (this.rows + rowsOf(frame) > LIMITS.groupRowsMax) return false;
    const days = new Set(this.days);
    for (const { columns } of frame.predictions) addBuckets(days, columns.ts, DAY_MS);
    for (const { times } of frame.serverMetrics) addBuckets(days, times, DAY_MS);
    const months = new Set(this.labelMonths);
    for (const { times } of frame.labels) addBuckets(months, times, MONTH_MS);
    return days.size <= LIMITS.groupDaysMax && months.size <= LIMITS.groupDaysMax;
  }

  /** Only what `fits`, in the order of its spool. */
  add(frame: CheckedFrame, streamSeq: number): void {
    const { spool, seq, acceptedMs } = frame.header;
    this.addRange(spool, seq);
    if (this.firstStreamSeq === 0) this.firstStreamSeq = streamSeq;
    this.lastStreamSeq = streamSeq;
    this.acceptedMs = Math.max(this.acceptedMs, acceptedMs);
    this.oldestAcceptedMs = Math.min(this.oldestAcceptedMs, acceptedMs);
    this.bytes += frame.bytes;
    this.rows += rowsOf(frame);
    for (const { payload, columns } of frame.predictions) {
      this.addSection("predictions", frame, payload, columns.rows);
      this.predictions += columns.rows;
      this.predictionSpan.extend(columns.ts);
      addBuckets(this.days, columns.ts, DAY_MS);
      this.rollups.add(columns);
      this.predictionIds.push({ rows: columns.rows, model: columns.model, id: columns.id });
    }
    for (const { payload, rows, times, predictionTimes, ids } of frame.labels) {
      this.addSection("labels", frame, payload, rows);
      this.labels += rows;
      this.labelSpan.extend(times);
      this.predictedSpan.extend(predictionTimes);
      addBuckets(this.labelMonths, times, MONTH_MS);
      this.labelIds.push(ids);
    }
    for (const { payload, rows } of frame.deadLetterBlocks) {
      this.addSection("dead_letters", frame, payload, rows);
      this.agentDeadLetters += rows;
    }
    for (const { payload, rows, times } of frame.serverMetrics) {
      this.addSection("server_metrics", frame, payload, rows);
      this.serverMetrics += rows;
      this.metricSpan.extend(times);
      addBuckets(this.days, times, DAY_MS);
    }
    for (const letter of frame.deadLetters) this.ownDeadLetters.push({ ...letter, spool, seq });
    for (const { model, timeMs } of frame.header.clocks) {
      this.clocks.push({ model, time_ms: timeMs === "wall" ? -1 : timeMs });
    }
  }

  manifest(n: number, epoch: number): GroupManifest {
    const parts = [...this.rollups.parts];
    return {
      n,
      epoch,
      frames: this.frames.map((range) => ({ ...range })),
      predictions: this.predictions,
      labels: this.labels,
      dead_letters: this.agentDeadLetters + this.ownDeadLetters.length,
      from: this.predictionSpan.fromMs,
      to: this.predictionSpan.toMs,
      labels_from: this.labelSpan.fromMs,
      labels_to: this.labelSpan.toMs,
      models: parts.map(([model]) => model),
      grids: Object.fromEntries(parts.map(([model, { settings }]) => [model, settings.gridNumber])),
      grains: Object.fromEntries(parts.map(([model, { settings }]) => [model, settings.grain])),
      segments: Object.fromEntries(
        parts.map(([model, { settings }]) => [model, [...settings.segments]]),
      ),
      clocks: this.clocks,
      accepted: this.acceptedMs,
      server_metrics: this.serverMetrics,
      metrics_from: this.metricSpan.fromMs,
      metrics_to: this.metricSpan.toMs,
    };
  }

  /** First and last time at which the labels say that they were predicted; null when none says so. */
  get labelsPredicted(): { from: number; to: number } | null {
    const { fromMs: from, toMs: to } = this.predictedSpan;
    return this.predictedSpan.isEmpty ? null : { from, to };
  }

  /** Gives the memory of its frames back, once it is stored; nothing may be asked of it then. */
  free(): void {
    for (const { payload } of this.sections) freeOwn(payload);
    this.sections.length = 0;
  }

  /** Pieces of all blocks of a table, to be sent one after the other. */
  piecesOf(table: SectionTable): Uint8Array[] {
    return piecesOfSections(this.sections.filter((section) => section.table === table));
  }

  private addSection(
    table: SectionTable,
    { header: { spool, seq } }: CheckedFrame,
    payload: Uint8Array,
    rows: number,
  ): void {
    this.sections.push({ table, spool, seq, rows, payload });
  }

  private addRange(spool: string, seq: number): void {
    const range = this.frames.find((candidate) => candidate.spool === spool);
    if (range === undefined) this.frames.push({ spool, lo: seq, hi: seq });
    else range.hi = seq;
  }

  /** By model the ids of predictions whose label is waiting. */
  awaitedIds(waiting: WaitingLabels): ReadonlyMap<string, readonly string[]> {
    const awaited = new Map<string, string[]>();
    for (const { model, id, rows } of this.predictionIds) {
      if (!model.keys.some((name) => waiting.has(name))) continue;
      for (let row = 0; row < rows; row++) {
        const name = textAt(model, row);
        const text = textAt(id, row);
        if (!waiting.isWaiting(name, text)) continue;
        const ids = awaited.get(name);
        if (ids === undefined) awaited.set(name, [text]);
        else ids.push(text);
      }
    }
    return awaited;
  }
}

function rowsOf(frame: CheckedFrame): number {
  let rows = frame.deadLetters.length;
  for (const { columns } of frame.predictions) rows += columns.rows;
  for (const labels of frame.labels) rows += labels.rows;
  for (const letters of frame.deadLetterBlocks) rows += letters.rows;
  for (const metrics of frame.serverMetrics) rows += metrics.rows;
  return rows;
}

/** Smallest and largest time; both 0 when there is none. */
class Span {
  private from = Number.POSITIVE_INFINITY;
  private to = Number.NEGATIVE_INFINITY;

  extend(times: Float64Array): void {
    for (let i = 0; i < times.length; i++) {
      const ms = times[i]!;
      if (ms < this.from) this.from = ms;
      if (ms > this.to) this.to = ms;
    }
  }

  get isEmpty(): boolean {
    return !Number.isFinite(this.from);
  }

  get fromMs(): number {
    return Number.isFinite(this.from) ? this.from : 0;
  }

  get toMs(): number {
    return Number.isFinite(this.to) ? this.to : 0;
  }
}

function addBuckets(buckets: Set<number>, times: Float64Array, widthMs: number): void {
  let last = Number.NaN;
  for (let i = 0; i < times.length; i++) {
    const bucket = Math.floor(times[i]! / widthMs);
    if (bucket !== last) buckets.add(bucket);
    last = bucket;
  }
}

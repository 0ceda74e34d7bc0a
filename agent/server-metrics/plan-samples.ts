/**
 * Readings of one source at one moment as rows to be stored, and what its counters are known by afterwards. Pure:
 * whether the rows reach the disk decides which of it holds.
 */
import { LIMITS } from "../../contract/limits.ts";
import { MEASURES, type SampleSource, type ServerMetricRow } from "../../contract/server-metric.ts";
import { type Baseline, type Growth, growthOf } from "./growth.ts";
import type { Reading } from "./map-points.ts";

/** One copy of a server, as it was read once. */
export interface Origin {
  /** What its counters are known under. */
  readonly key: string;
  readonly source: SampleSource;
  readonly instance: string;
  /** The models of figures that name none: those of the whole server. */
  readonly models: readonly string[];
  readonly version: string;
  readonly nowMs: number;
  /** Whether the readings are all that the server has: what is missing is zero. */
  readonly isWhole: boolean;
  readonly readings: readonly Reading[];
}

export interface KnownCounters {
  /** When the source was read last; null: never, or long ago. */
  readMs(key: string): number | null;
  baseline(key: string, series: string): Baseline | null;
  /** How many more counters may be known. */
  readonly room: number;
}

export interface Plan {
  readonly key: string;
  readonly readMs: number;
  readonly rows: readonly ServerMetricRow[];
  readonly baselines: readonly (readonly [string, Baseline])[];
  readonly counts: SampleCounts;
}

/** What became of the readings that are no rows. */
export interface SampleCounts {
  /** Nothing to compare with yet. */
  first: number;
  gap: number;
  old: number;
  /** Of a server of which nobody knows the model. */
  noModel: number;
  badTime: number;
  overLimit: number;
}

const noCounts = (): SampleCounts => ({
  ...{ first: 0, gap: 0, old: 0, noModel: 0, badTime: 0, overLimit: 0 },
});

export function planSamples(origin: Origin, known: KnownCounters, oldestMs: number): Plan {
  const { key, nowMs } = origin;
  const counts = noCounts();
  const baselines: [string, Baseline][] = [];
  const rows = new RowsOf(origin);
  let room = known.room;
  for (const found of origin.readings) {
    const reading = found.timeMs === 0 ? { ...found, timeMs: nowMs } : found;
    if (reading.timeMs < oldestMs || reading.timeMs > nowMs + LIMITS.eventAheadMsMax) {
      counts.badTime++;
      continue;
    }
    if (reading.taken.kind === "level") {
      rows.add(reading, 0, 0, reading.taken.value);
      continue;
    }
    const before = known.baseline(key, reading.series);
    const wholeMs = origin.isWhole || reading.startMs > 0 ? known.readMs(key) : null;
    const growth = growthOf(reading, before, wholeMs);
    if (growth.kind === "old") counts.old++;
    else if (growth.kind !== "counted") counts[growth.kind]++;
    else addGrowth(reading, growth, rows);
    const baseline = growth.kind === "old" ? null : growth.baseline;
    if (baseline === null) continue;
    if (before === null && room-- <= 0) counts.overLimit++;
    else baselines.push([reading.series, baseline]);
  }
  counts.noModel = rows.noModel;
  const all = rows.all();
  counts.overLimit += Math.max(0, all.length - LIMITS.serverMetricRowsMax);
  return { key, readMs: nowMs, rows: all.slice(0, LIMITS.serverMetricRowsMax), baselines, counts };
}

function addGrowth(
  reading: Reading,
  { values, elapsedMs }: Extract<Growth, { kind: "counted" }>,
  rows: RowsOf,
): void {
  const { taken, measure } = reading;
  const value = values[0] ?? 0;
  if (taken.kind === "buckets") {
    for (const [i, { lower, upper }] of taken.buckets.entries()) {
      const count = values[i] ?? 0;
      if (count > 0) rows.add(reading, Math.max(0, lower), Math.max(0, upper), count);
    }
  } else if (taken.kind === "mean") {
    const count = values[1] ?? 0;
    if (count > 0) rows.add(reading, 0, 0, (value / count) * taken.scale);
  } else if (taken.kind === "counter" && taken.rate) {
    if (elapsedMs !== null && elapsedMs > 0) rows.add(reading, 0, 0, value / (elapsedMs / 1000));
  } else if (value > 0 || measure === "requests") {
    // That nobody asked is known by a zero; of everything else nothing is nothing.
    rows.add(reading, 0, 0, value);
  }
}

/** Rows, those of one moment, model and part together. */
class RowsOf {
  noModel = 0;
  private readonly origin: Origin;
  private readonly rows = new Map<string, { row: ServerMetricRow; n: number }>();

  constructor(origin: Origin) {
    this.origin = origin;
  }

  add(reading: Reading, lower: number, upper: number, value: number): void {
    const { instance, source, models, version } = this.origin;
    const named = reading.model === null ? models : [reading.model];
    if (named.length === 0) this.noModel++;
    for (const model of named.slice(0, LIMITS.modelsPerServerMax)) {
      if (Buffer.byteLength(model) > LIMITS.modelNameBytesMax) {
        this.noModel++;
        continue;
      }
      this.put({
        ...{ model: model.toWellFormed(), version: cut(reading.version || version) },
        ...{ ts: reading.timeMs, instance: cut(instance), source, measure: reading.measure },
        ...{ part: cut(reading.part), lower, upper, value },
      });
    }
  }

  all(): readonly ServerMetricRow[] {
    return [...this.rows.values()].map(({ row, n }) =>
      MEASURES[row.measure].together === "mean" ? { ...row, value: row.value / n } : row,
    );
  }

  private put(row: ServerMetricRow): void {
    const { model, version, ts, measure, part, upper } = row;
    const key = JSON.stringify([model, version, ts, measure, part, String(upper)]);
    const held = this.rows.get(key);
    if (held === undefined) this.rows.set(key, { row, n: 1 });
    else {
      this.rows.set(key, { row: { ...row, value: held.row.value + row.value }, n: held.n + 1 });
    }
  }
}

const TEXT_MAX = LIMITS.textBytesMax / 4;

/** So many UTF-16 units have at most so many bytes, four times over. */
const cut = (text: string): string => text.slice(0, TEXT_MAX).toWellFormed();

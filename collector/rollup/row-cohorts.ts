/** The cohorts of every row of one model in a block: that of all rows, then one for each declared tag. */
import { OTHER_SEGMENT_VALUE, type SegmentValues } from "../model-settings.ts";
import type { PredictionColumns } from "../prediction-columns.ts";
import type { Cohorts } from "./cohorts.ts";
import type { RowSegments } from "./declared-segments.ts";

/** `[0][i]` is the cohort of all rows for `rows[i]`, `[t + 1][i]` that of the t-th tag; −1: none. */
export type RowCohorts = readonly Int32Array[];

export interface CohortAssignment {
  readonly columns: PredictionColumns;
  readonly model: string;
  /** Rows of the block that are the model's. */
  readonly rows: Uint32Array;
  readonly segments: readonly RowSegments[];
  readonly grainMs: number;
  /** Rows with an error have no cohort; else error and weight are part of the cohort. */
  readonly onlyWithoutError: boolean;
  readonly cohorts: Cohorts;
}

export function assignCohorts(given: CohortAssignment, segmentValues: SegmentValues): RowCohorts {
  const { columns, rows, segments } = given;
  const errors = columns.error.keys;
  const lookup = cohortLookup(given, segmentValues);
  const all = new Int32Array(rows.length).fill(-1);
  const byTag = segments.map(() => new Int32Array(rows.length).fill(-1));
  const weights = given.onlyWithoutError ? null : columns.weight;
  let last: Bucket | undefined;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const error = columns.error.indexes[row]!;
    if (given.onlyWithoutError && errors[error] !== "") continue;
    const version = columns.version.indexes[row]!;
    const unkept = weights === null ? 0 : weights[row]! - 1;
    const time = Math.floor(columns.ts[row]! / given.grainMs) * given.grainMs;
    if (
      last === undefined ||
      last.time !== time ||
      last.version !== version ||
      last.error !== error ||
      last.unkept !== unkept
    ) {
      last = lookup.bucket(version, error, time, unkept);
    }
    all[i] = last.all;
    for (let t = 0; t < segments.length; t++) {
      const value = segments[t]!.valueIndexes[row]!;
      if (value >= 0) byTag[t]![i] = lookup.segment(last, t, value);
    }
  }
  return [all, ...byTag];
}

interface Bucket {
  readonly version: number;
  readonly error: number;
  readonly time: number;
  readonly unkept: number;
  readonly all: number;
  /** By tag and value index of the block. */
  readonly byTag: (number | undefined)[][];
}

function cohortLookup(given: CohortAssignment, segmentValues: SegmentValues) {
  const { columns, model, segments, cohorts } = given;
  const buckets = new Map<string, Bucket>();
  const cohort = (bucket: Omit<Bucket, "all" | "byTag">, tag: string, value: string): number =>
    cohorts.numberOf({
      model,
      version: columns.version.keys[bucket.version] ?? "",
      timeMs: bucket.time,
      segmentTag: tag,
      segmentValue: value,
      unkept: bucket.unkept,
      error: given.onlyWithoutError ? "" : (columns.error.keys[bucket.error] ?? ""),
    });
  return {
    bucket: (version: number, error: number, time: number, unkept: number): Bucket => {
      const key = `${version} ${error} ${time} ${unkept}`;
      const known = buckets.get(key);
      if (known !== undefined) return known;
      const bucket = { version, error, time, unkept };
      const made = { ...bucket, all: cohort(bucket, "", ""), byTag: segments.map(() => []) };
      buckets.set(key, made);
      return made;
    },
    segment: (bucket: Bucket, t: number, valueIndex: number): number => {
      const known = bucket.byTag[t]![valueIndex];
      if (known !== undefined) return known;
      const tag = segments[t]!.tag;
      const value = columns.tags.values.keys[valueIndex] ?? "";
      const counted = segmentValues.isKnown(model, tag, value) ? value : OTHER_SEGMENT_VALUE;
      const number = cohort(bucket, tag, counted);
      bucket.byTag[t]![valueIndex] = number;
      return number;
    },
  };
}

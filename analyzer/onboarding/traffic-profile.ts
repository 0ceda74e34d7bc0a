/** What a model's newest rows look like, read from the store in one piece. */
import { LIMITS } from "../../contract/limits.ts";
import { DAY_MS } from "../../contract/window.ts";
import type { Store } from "../../store/client.ts";
import { trafficDays } from "../../store/queries/model-traffic.ts";
import {
  type NumericProfile,
  type WordProfile,
  profiledCategories,
  profiledNumbers,
  profiledOutcomes,
  profiledTags,
  profiledTotals,
} from "../../store/queries/traffic-profile.ts";

export interface TrafficProfile {
  readonly rows: number;
  readonly errors: number;
  /** What these rows stand for where somebody sampled; as many where nobody did. */
  readonly requests: number;
  readonly failed: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Rows whose id came before. */
  readonly repeatedIds: number;
  readonly scores: number;
  readonly values: { readonly rows: number; readonly min: number; readonly max: number };
  /** Classes that came with probabilities. */
  readonly classes: readonly string[];
  /** Predicted labels. */
  readonly predicted: readonly string[];
  readonly versions: readonly string[];
  /** Of predictions that did not fail. */
  readonly latency: { readonly rows: number; readonly p95: number };
  readonly numbers: readonly NumericProfile[];
  readonly categories: readonly WordProfile[];
  readonly tags: readonly WordProfile[];
  readonly outcomes: readonly {
    readonly label: string;
    readonly rows: number;
    readonly values: number;
    readonly score: number;
    readonly delays: readonly number[];
  }[];
  /** Mean of the whole days that had traffic; before there is one, at the pace of the rows looked at. */
  readonly rowsPerDay: number;
  /** Days with traffic among the last 60. */
  readonly days: number;
}

const DAYS_LOOKED_BACK = 60;

/** Null where the model has no traffic. */
export async function profileTraffic(model: string, store: Store): Promise<TrafficProfile | null> {
  const newest = { model, rows: LIMITS.profiledRowsMax };
  const [totals] = await store.query(profiledTotals, newest);
  if (totals === undefined) return null;
  const endMs = Math.floor(totals.to / DAY_MS) * DAY_MS + DAY_MS;
  const [numbers, categories, tags, outcomes, days] = await Promise.all([
    store.query(profiledNumbers, newest),
    store.query(profiledCategories, newest),
    store.query(profiledTags, newest),
    store.query(profiledOutcomes, newest),
    store.query(trafficDays, { model, fromMs: endMs - DAYS_LOOKED_BACK * DAY_MS, toMs: endMs }),
  ]);
  const perDay = new Map<number, number>();
  for (const { day, n, segment_tag: tag } of days) {
    if (tag === "") perDay.set(day, (perDay.get(day) ?? 0) + n);
  }
  const counts = [...perDay].sort((a, b) => a[0] - b[0]).map(([, n]) => n);
  const { rows, errors, requests, failed, scores, versions, classes } = totals;
  return {
    ...{
      rows,
      errors,
      requests,
      failed,
      scores,
      versions,
      classes,
      numbers,
      categories,
      tags,
      outcomes,
    },
    fromMs: totals.from,
    // What comes after the last request is no silence: nobody has announced it.
    toMs: totals.to,
    repeatedIds: rows - totals.ids,
    values: { rows: totals.values, min: totals.valueMin, max: totals.valueMax },
    predicted: totals.labels,
    latency: { rows: totals.latencies, p95: totals.latencyP95 },
    rowsPerDay: meanDay(counts, rows, totals.to - totals.from),
    days: counts.length,
  };
}

/** A shorter burst says nothing of a day. */
const PACE_SPAN_MIN_MS = 10 * 60_000;

/**
 * @param counts rows of each day with traffic, in order of time: first and last are not whole
 * @param rows those looked at
 * @param spanMs from the oldest of them to the newest
 */
export function meanDay(counts: readonly number[], rows: number, spanMs: number): number {
  const whole = counts.slice(1, -1);
  if (whole.length > 0) return whole.reduce((sum, n) => sum + n, 0) / whole.length;
  return (rows * DAY_MS) / Math.max(PACE_SPAN_MIN_MS, spanMs);
}

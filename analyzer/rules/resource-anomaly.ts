/**
 * Resources: a server that uses far more than it did at the same hours of past weeks, or a GPU that suddenly idles. As
 * for volume an effect is asked for and evidence, against the median of the same hour of the week and its neighbours,
 * by the median deviation. What has been so for two days is the new level, and no anomaly any more.
 */
import type { Measure } from "../../contract/server-metric.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

/** Weeks that are looked at. */
export const RESOURCE_WEEKS = 8;
/** Fewer do not say what is usual. */
const WEEKS_MIN = 3;
/** Of a standard normal; twice in a row, at most 168 times a week. */
const Z_MIN = 5;
const PRIOR_WEEKS = 3;
const MAD_FACTOR = 1.4826;
/** Variance of a median over that of a mean. */
const MEDIAN_VARIANCE = Math.PI / 2;
const SHIFTS_MS = [0, -HOUR_MS, HOUR_MS] as const;

interface ResourceFacts {
  /** Shares are compared by difference, everything else by factor. */
  readonly scale: "difference" | "factor";
  /** The least difference, or factor, that is worth a word. */
  readonly effect: number;
  /** The least difference in the measure's own unit. */
  readonly least: number;
  /** What is believed of the variation before it is seen. */
  readonly prior: number;
  /** Also when it falls. */
  readonly falls: boolean;
}

const share = (falls: boolean): ResourceFacts => ({
  ...{ scale: "difference", effect: 0.2, least: 0.2, prior: 0.06, falls },
});
const amount = (effect: number, least: number): ResourceFacts => ({
  ...{ scale: "factor", effect, least, prior: 0.15, falls: false },
});
const MIB = 1024 * 1024;

/** What is judged. A GPU that idles while requests come as ever may mean that the model runs elsewhere. */
export const RESOURCES = {
  gpu_utilisation: share(true),
  gpu_memory_bytes: amount(1.3, 512 * MIB),
  cpu_utilisation: share(false),
  cpu_cores: amount(2, 0.5),
  memory_bytes: amount(1.5, 256 * MIB),
  host_memory_bytes: amount(1.5, 1024 * MIB),
  cache_usage: share(false),
  queue_length: amount(3, 3),
  queue_seconds: amount(3, 0.02),
} as const satisfies Partial<Readonly<Record<Measure, ResourceFacts>>>;
export type Resource = keyof typeof RESOURCES;
export const RESOURCE_NAMES = Object.keys(RESOURCES) as readonly Resource[];

export interface ResourceVerdict {
  readonly breach: boolean;
  readonly value: number;
  /** Median of the past weeks, at the shift that excuses most; NaN without any. */
  readonly expected: number;
  readonly z: number;
  readonly weeks: number;
}

/**
 * @param hours mean by start of hour, the judged one and those of the past weeks; missing: not known
 * @param hourMs start of the judged hour
 * @returns null where nothing is known of the hour
 */
export function judgeResource(
  resource: Resource,
  hours: ReadonlyMap<number, number>,
  hourMs: number,
): ResourceVerdict | null {
  const value = hours.get(hourMs);
  if (value === undefined || !Number.isFinite(value)) return null;
  const facts: ResourceFacts = RESOURCES[resource];
  const verdicts = SHIFTS_MS.map((shift) =>
    compare(facts, value, pastWeeks(hours, hourMs + shift)),
  ).filter(({ weeks }) => weeks >= WEEKS_MIN);
  const [first] = verdicts;
  if (first === undefined) return { breach: false, value, expected: Number.NaN, z: 0, weeks: 0 };
  const mildest = verdicts.reduce((a, b) => (Math.abs(b.z) < Math.abs(a.z) ? b : a));
  const { expected, z } = mildest;
  const breach =
    (facts.falls ? Math.abs(z) : z) >= Z_MIN &&
    matters(facts, value, expected) &&
    !isSettled(facts, value, hours, hourMs);
  return { ...mildest, breach };
}

function pastWeeks(hours: ReadonlyMap<number, number>, hourMs: number): readonly number[] {
  return Array.from({ length: RESOURCE_WEEKS }, (_, i) => hours.get(hourMs - (i + 1) * WEEK_MS))
    .filter((value) => value !== undefined)
    .filter(Number.isFinite);
}

function compare(facts: ResourceFacts, value: number, past: readonly number[]): ResourceVerdict {
  const weeks = past.length;
  const expected = median(past);
  const on = (at: number): number => placeOf(facts, at);
  const spread = MAD_FACTOR * median(past.map((at) => Math.abs(on(at) - on(expected))));
  const variation =
    (weeks * spread ** 2 + PRIOR_WEEKS * facts.prior ** 2) / Math.max(1, weeks + PRIOR_WEEKS);
  const ofMedian = (MEDIAN_VARIANCE * variation) / Math.max(1, weeks);
  const z = (on(value) - on(expected)) / Math.sqrt(variation + ofMedian);
  return { breach: false, value, expected, z, weeks };
}

/** On the scale of logarithms half and double are equally far; small values are noise of the least difference. */
const placeOf = ({ scale, least }: ResourceFacts, value: number): number =>
  scale === "difference" ? value : Math.log(Math.max(0, value) + least / 4);

function matters(facts: ResourceFacts, value: number, expected: number): boolean {
  const difference = Math.abs(value - expected);
  if (difference < facts.least) return false;
  if (facts.scale === "difference") return difference >= facts.effect;
  const [low, high] = [Math.min(value, expected), Math.max(value, expected)];
  return high >= low * facts.effect;
}

/** The same hours of the last two days were as this one: a new version, say, that needs more memory. */
function isSettled(
  facts: ResourceFacts,
  value: number,
  hours: ReadonlyMap<number, number>,
  hourMs: number,
): boolean {
  return [1, 2].every((days) => {
    const before = hours.get(hourMs - days * DAY_MS);
    return before !== undefined && !matters(facts, value, before);
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/**
 * From the values of counters to what they grew by, since a server counts from its own start: pure. What is known
 * of a counter is its baseline. A counter that fell began again; one that nobody looked at for long may have grown
 * at any time, and is not counted; one that was not there when all of its source was read counts from zero.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { Reading } from "./map-points.ts";

export interface Baseline {
  readonly timeMs: number;
  readonly startMs: number;
  readonly values: readonly number[];
  /** Upper edges, where the values are those of buckets. */
  readonly edges: readonly number[];
}

export type Growth =
  | {
      readonly kind: "counted";
      readonly values: readonly number[];
      /** Null where nobody knows in which time. */
      readonly elapsedMs: number | null;
      /** Null for deltas, which need none. */
      readonly baseline: Baseline | null;
    }
  /** Nothing to count yet: seen for the first time, or again after too long. */
  | { readonly kind: "first" | "gap"; readonly baseline: Baseline }
  /** Older than what is known, or twice. */
  | { readonly kind: "old" };

/**
 * @param reading of a counter, of buckets, or of a mean
 * @param wholeMs when all of the source was read last, so that what was not there was zero; null where nobody knows
 */
export function growthOf(
  reading: Reading,
  before: Baseline | null,
  wholeMs: number | null,
): Growth {
  const { timeMs, startMs, temporality } = reading;
  const values = valuesOf(reading);
  if (temporality === "delta") {
    const elapsedMs = startMs > 0 && timeMs > startMs ? timeMs - startMs : null;
    return { kind: "counted", values, elapsedMs, baseline: null };
  }
  const baseline: Baseline = { timeMs, startMs, values, edges: edgesOf(reading) };
  if (before === null) return fromZero(baseline, wholeMs);
  if (timeMs <= before.timeMs) return { kind: "old" };
  if (timeMs - before.timeMs > LIMITS.metricGapMsMax) return { kind: "gap", baseline };
  if (startMs > before.timeMs || totalOf(values) < totalOf(before.values)) {
    const beganMs = startMs > before.timeMs ? startMs : before.timeMs;
    return { kind: "counted", values, elapsedMs: timeMs - beganMs, baseline };
  }
  const grown = grownBy(reading, values, before);
  if (grown === null) return { kind: "first", baseline };
  return { kind: "counted", values: grown, elapsedMs: timeMs - before.timeMs, baseline };
}

/** A counter that began while its source was being watched is worth all that it says. */
function fromZero(baseline: Baseline, wholeMs: number | null): Growth {
  const { timeMs, startMs, values } = baseline;
  const recent = wholeMs !== null && timeMs - wholeMs <= LIMITS.metricGapMsMax;
  const began = startMs === 0 || startMs >= (wholeMs ?? 0);
  if (!recent || !began) return { kind: "first", baseline };
  return { kind: "counted", values, elapsedMs: timeMs - Math.max(wholeMs, startMs), baseline };
}

function valuesOf({ taken }: Reading): readonly number[] {
  if (taken.kind === "buckets") return taken.buckets.map(({ count }) => count);
  return taken.kind === "level" ? [taken.value] : taken.values;
}

function edgesOf({ taken }: Reading): readonly number[] {
  return taken.kind === "buckets" ? taken.buckets.map(({ upper }) => upper) : [];
}

const totalOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0);

/**
 * Null for what cannot be compared. Buckets may have become wider or more since, as those of exponential histograms
 * do: what was counted before lies in the bucket that holds its upper edge.
 */
function grownBy(
  { taken }: Reading,
  values: readonly number[],
  before: Baseline,
): readonly number[] | null {
  const grown = [...values];
  for (const [i, counted] of before.values.entries()) {
    const edge = before.edges[i];
    const at =
      taken.kind !== "buckets" || edge === undefined
        ? i
        : taken.buckets.findIndex(
            ({ lower, upper }) => edge === upper || (edge > lower && edge < upper),
          );
    if (at === -1 && counted === 0) continue;
    const now = grown[at];
    if (now === undefined) return null;
    grown[at] = now - counted;
  }
  return grown.every((value) => value >= 0) ? grown : null;
}

/**
 * Volume: far fewer or far more requests than the same hours of past weeks carried. It is asked for both: an
 * effect (half, or double), and evidence beyond what the past weeks vary by. The neighbouring hours count
 * too: clocks change, and timetables move with them. Complete silence is another rule's.
 */

const HOUR_MS = 3_600_000;
const WEEK_MS = 168 * HOUR_MS;

/** Weeks that are looked at: a new level becomes the usual one after half of them. */
export const VOLUME_WEEKS = 6;
/** Hours that are judged together: a single one has its moods. */
export const VOLUME_SPAN_MS = 3 * HOUR_MS;
/** Fewer weeks do not say what is usual. */
const WEEKS_MIN = 3;
/** Fewer expected requests are not worth a ticket. */
const EXPECTED_MIN = 50;
const FACTOR_MIN = 2;
/** Of a standard normal; twice in a row, at most 168 times a week. */
const Z_MIN = 5;
/** What is believed of the variation before it is seen, worth so many weeks. */
const PRIOR_VARIATION = 0.15;
const PRIOR_WEEKS = 3;
/** Standard deviation over median absolute deviation, of a normal. */
const MAD_FACTOR = 1.4826;
/** Variance of a median over that of a mean. */
const MEDIAN_VARIANCE = Math.PI / 2;
const SHIFTS_MS = [0, -HOUR_MS, HOUR_MS] as const;

/** What the past weeks carried. */
export interface PastHours {
  /** By start of hour. */
  readonly requests: ReadonlyMap<number, number>;
  /** Stored rows for each of them. */
  readonly keptShare: number;
}

export interface VolumeVerdict {
  readonly breach: boolean;
  readonly rows: number;
  /** Median of the past weeks, at the shift that excuses most. */
  readonly expected: number;
  readonly factor: number;
  readonly z: number;
  readonly weeks: number;
  readonly reason: string;
}

/**
 * @param hours requests by start of hour, the judged ones and those of the past weeks; missing: none
 * @param toMs end of the span, a full hour
 * @param keptShare stored rows for each request: where somebody samples, fewer rows carry the same number
 */
export function judgeVolume(
  hours: ReadonlyMap<number, number>,
  toMs: number,
  keptShare = 1,
): VolumeVerdict {
  const fromMs = toMs - VOLUME_SPAN_MS;
  const rows = rowsIn(hours, fromMs, toMs);
  const weeks = pastWeeks(hours, fromMs);
  const verdicts = SHIFTS_MS.map((shift) =>
    compare(
      rows,
      weeks.map((back) => rowsIn(hours, fromMs + shift - back, toMs + shift - back)),
      keptShare,
    ),
  );
  const mildest = verdicts.reduce((a, b) => (severityOf(b) < severityOf(a) ? b : a));
  const { expected, factor, z } = mildest;
  const breach =
    weeks.length >= WEEKS_MIN &&
    expected * keptShare >= EXPECTED_MIN &&
    rows > 0 &&
    Math.abs(z) >= Z_MIN &&
    (factor >= FACTOR_MIN || factor <= 1 / FACTOR_MIN);
  const span = VOLUME_SPAN_MS / HOUR_MS;
  return {
    ...{ breach, rows, expected, factor, z, weeks: weeks.length },
    reason: `${Math.round(rows)} requests in ${span} hours; the same hours of ${weeks.length} past weeks carried ${Math.round(expected)} by the median (${factor.toFixed(2)} times as many, ${Math.abs(z).toFixed(1)} standard deviations)`,
  };
}

/** How far back the past weeks lie that had traffic on that day at all. */
function pastWeeks(hours: ReadonlyMap<number, number>, fromMs: number): readonly number[] {
  const weeks: number[] = [];
  for (let week = 1; week <= VOLUME_WEEKS; week++) {
    const middle = fromMs - week * WEEK_MS;
    if (rowsIn(hours, middle - 12 * HOUR_MS, middle + 12 * HOUR_MS) > 0) weeks.push(week * WEEK_MS);
  }
  return weeks;
}

interface Comparison {
  readonly expected: number;
  readonly factor: number;
  readonly z: number;
}

const severityOf = ({ factor, z }: Comparison): number =>
  Math.min(Math.abs(z) / Z_MIN, Math.abs(Math.log(factor)) / Math.log(FACTOR_MIN));

/** On the scale of logarithms, where half and double are equally far. */
function compare(rows: number, past: readonly number[], keptShare: number): Comparison {
  const expected = median(past);
  const ratio = (rows + 0.5) / (expected + 0.5);
  const logs = past.map((count) => Math.log((count + 0.5) / (expected + 0.5)));
  const spread = MAD_FACTOR * median(logs.map(Math.abs));
  const counted = 1 / (expected * keptShare + 0.5);
  const seen = Math.max(0, spread ** 2 - counted);
  const weeks = past.length;
  const variation =
    (weeks * seen + PRIOR_WEEKS * PRIOR_VARIATION ** 2) / Math.max(1, weeks + PRIOR_WEEKS);
  const sampling = counted + 1 / (rows * keptShare + 0.5);
  const ofMedian = (MEDIAN_VARIANCE * variation) / Math.max(1, weeks);
  return {
    expected,
    factor: ratio,
    z: Math.log(ratio) / Math.sqrt(variation + ofMedian + sampling),
  };
}

function rowsIn(hours: ReadonlyMap<number, number>, fromMs: number, toMs: number): number {
  let rows = 0;
  for (let hour = fromMs; hour < toMs; hour += HOUR_MS) rows += hours.get(hour) ?? 0;
  return rows;
}

function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

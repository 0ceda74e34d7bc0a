/**
 * What a model that nobody described promises about errors: what it usually did. A service that has
 * always failed two requests in a hundred has not changed; only a change should page.
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The past days that are looked at: a new level becomes the usual one after half of them. */
export const USUAL_DAYS = 14;
/** Hours before and after that count too: a night's batch does not start on the minute. */
export const USUAL_MARGIN_HOURS = 1;
/** Fewer days with requests say nothing about what is usual. */
const DAYS_MIN = 3;

/** Requests and failures of one past hour. */
export interface HourCounts {
  readonly hour: number;
  /** Stored rows. */
  readonly n: number;
  readonly errors: number;
  /** What they stand for where somebody sampled; as many where nobody did. */
  readonly requests?: number;
  readonly failed?: number;
}

export interface ErrorPromise {
  /** The share of errors that is allowed. */
  readonly share: number;
  /** Where the share comes from; empty: the model's document says it. */
  readonly origin: string;
}

/** Of the standard normal: how far above the median the promise lies, so that few rows accuse nobody. */
const MARGIN_Z = 2;
/** Standard error of a median over that of a mean. */
const MEDIAN_FACTOR = Math.sqrt(Math.PI / 2);

/**
 * The median over past days of the share of errors in the same hours, with two standard errors on top, at
 * least `floor`. The median is not moved by an outage on fewer than half of the days.
 * @param hours of the last `USUAL_DAYS` days, before the hour that is judged
 * @param hourMs start of the hour that is judged
 */
export function usualErrors(
  hours: readonly HourCounts[],
  hourMs: number,
  floor: number,
): ErrorPromise {
  const shares: number[] = [];
  let rows = 0;
  for (let day = 1; day <= USUAL_DAYS; day++) {
    const sameMs = hourMs - day * DAY_MS;
    const own = hours.filter(
      ({ hour }) => Math.abs(hour - sameMs) <= USUAL_MARGIN_HOURS * HOUR_MS && hour < hourMs,
    );
    const n = own.reduce((sum, hour) => sum + hour.n, 0);
    rows += n;
    if (n === 0) continue;
    const failed = own.reduce((sum, { errors, failed: all = errors }) => sum + all, 0);
    shares.push(failed / own.reduce((sum, hour) => sum + (hour.requests ?? hour.n), 0));
  }
  if (shares.length < DAYS_MIN) {
    return {
      share: floor,
      origin: `the model has no document and fewer than ${DAYS_MIN} past days: ${percent(floor)} is assumed`,
    };
  }
  const usual = median(shares);
  const error = MEDIAN_FACTOR * Math.sqrt((usual * (1 - usual)) / rows);
  return {
    share: Math.min(1, Math.max(floor, usual + MARGIN_Z * error)),
    origin: `the model has no document: promised is what the same hours of ${shares.length} past days failed by the median (${percent(usual)} and two standard errors), at least ${percent(floor)}`,
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

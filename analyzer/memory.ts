/**
 * What the analyzer remembers of a model between windows, and keeps in a checkpoint so that a restart goes
 * on with the same decisions. Everything here follows from stored data and model time.
 */
import { z } from "zod";
import { OpenAlert } from "./alerts/alert-book.ts";
import { OpenBreak } from "./breaks/track-breaks.ts";

const FORMAT = 1;

const Quarantined = z.strictObject({
  id: z.string(),
  tag: z.string(),
  values: z.array(z.string()),
  fromMs: z.int(),
  /** Null while the break is open. */
  toMs: z.int().nullable(),
});
/** Rows kept out of verdicts because their inputs were broken. */
export type Quarantined = z.infer<typeof Quarantined>;

export const Memory = z.strictObject({
  format: z.literal(FORMAT),
  /** End of the last minute that had a request; null before the first. */
  lastRequestMs: z.int().nullable(),
  /** Rows that are stored for each request of the newest traffic: 1 where nobody samples. */
  keptShare: z.number().prefault(1),
  /** Through where rules on minutes were evaluated; null: as far as days were. */
  minutesThroughMs: z.int().nullable().prefault(null),
  /** Where its requests are counted: `server` for one that never had a record. */
  trafficFrom: z.enum(["records", "server"]).prefault("records"),
  alerts: z.record(z.string(), OpenAlert),
  breaks: z.array(OpenBreak),
  quarantined: z.array(Quarantined),
  /** Predictions per day as they were when its windows were last judged, by day. */
  dayRows: z.record(z.string(), z.int()),
  /** Fingerprint of the outcomes per day, likewise. */
  dayOutcomes: z.record(z.string(), z.int()),
});
export type Memory = z.infer<typeof Memory>;

export const EMPTY_MEMORY: Memory = {
  format: FORMAT,
  lastRequestMs: null,
  keptShare: 1,
  minutesThroughMs: null,
  trafficFrom: "records",
  alerts: {},
  breaks: [],
  quarantined: [],
  dayRows: {},
  dayOutcomes: {},
};

/** How long past days are watched for late rows, and for labels where nobody says that they take longer. */
export const LATE_DAYS = 35;
const DAY_MS = 86_400_000;
/** Labels that are later than they usually are, by as much. */
const LATER_DAYS = 14;

/** How long past days are watched for labels: those that take months, and absence that is noticed so late. */
export function lateDays(labels: {
  readonly negative_after?: number | undefined;
  readonly expected_within: number;
}): number {
  const usualMs = Math.max(labels.negative_after ?? 0, labels.expected_within);
  return Math.max(LATE_DAYS, Math.ceil(usualMs / DAY_MS) + LATER_DAYS);
}

/**
 * Without what can no longer matter at `nowMs`.
 * @param days that are watched, as `lateDays` says
 */
export function forget(memory: Memory, nowMs: number, days: number): Memory {
  const recent = (counts: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(
      Object.entries(counts).filter(([day]) => Number(day) >= nowMs - days * DAY_MS),
    );
  return {
    ...memory,
    dayRows: recent(memory.dayRows),
    dayOutcomes: recent(memory.dayOutcomes),
    quarantined: memory.quarantined.filter(
      ({ toMs }) => toMs === null || toMs >= nowMs - 2 * days * DAY_MS,
    ),
  };
}

/** 2299-12-31: the end of what has none, within what DateTime64 holds. */
export const END_MS = Date.UTC(2299, 11, 31);

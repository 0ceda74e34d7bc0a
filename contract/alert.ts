/**
 * Alerts and findings as users and services see them (INTERFACES §8 and §11). The analyzer makes them;
 * the command line, the console and the retrainer read them. The order of an explanation's parts is the
 * order in which a person needs them.
 */
import { z } from "zod";

export const AlertKind = z.enum([
  "calibration",
  "performance",
  "drift",
  "prediction-drift",
  "data-break",
  "quality",
  "error-share",
  "latency",
  "volume",
  "no-traffic",
  "no-labels",
  "blind-agent",
  "self",
]);
export type AlertKind = z.infer<typeof AlertKind>;

export const AlertSeverity = z.enum(["page", "ticket", "info"]);
export type AlertSeverity = z.infer<typeof AlertSeverity>;

export const AlertState = z.enum(["pending", "firing", "resolved"]);
export type AlertState = z.infer<typeof AlertState>;

export const FindingCause = z.enum(["data", "inputs", "model", "world", "unknown"]);
export type FindingCause = z.infer<typeof FindingCause>;

/** Rows with some values of one tag. */
export const Segment = z.strictObject({ tag: z.string(), values: z.array(z.string()).min(1) });
export type Segment = z.infer<typeof Segment>;

/**
 * What a shift was, in the column's unit: the row-weighted median over the groups that were compared
 * (the origins of an hour, say), and the smallest and largest of them. On a circle the median lies in
 * [0, period), and the others are turned with it.
 */
export const ColumnShift = z.strictObject({
  median: z.number(),
  min: z.number(),
  max: z.number(),
  period: z.number().nullable(),
  /** The column whose values were compared one by one; null when all rows were compared at once. */
  by: z.string().nullable(),
});
export type ColumnShift = z.infer<typeof ColumnShift>;

/** How one column broke. `other` says that it did, and that no factor or shift explains it. */
export const BrokenColumn = z.discriminatedUnion("change", [
  z.strictObject({ column: z.string(), change: z.literal("factor"), factor: z.number() }),
  z.strictObject({ column: z.string(), change: z.literal("shift"), shift: ColumnShift }),
  z.strictObject({ column: z.string(), change: z.literal("other"), text: z.string() }),
]);
export type BrokenColumn = z.infer<typeof BrokenColumn>;

const rfc3339 = z.iso.datetime();

/** A result of analysis with its reason. `to` is null while it lasts. */
export const DataBreakFinding = z.strictObject({
  kind: z.literal("data-break"),
  cause: z.enum(["data", "inputs"]),
  /** Broken columns, ascending. */
  columns: z.array(z.string()),
  /** What the broken values are of the right ones, where a factor explains a column; the first such. */
  factor: z.number().nullable(),
  /** What was added to the right values, where a shift explains a column; the first such. */
  shift: ColumnShift.nullable(),
  /** Every broken column on its own. */
  details: z.array(BrokenColumn),
  /** Null when all rows are broken. */
  segment: Segment.nullable(),
  from: rfc3339,
  to: rfc3339.nullable(),
  /** Rows of these segments in the span so far. */
  rows: z.int(),
  reason: z.string(),
});
export type DataBreakFinding = z.infer<typeof DataBreakFinding>;

/** The parts of an explanation, in reading order (INTERFACES §8). */
export const AlertExplanation = z.strictObject({
  what: z.string(),
  since: rfc3339,
  cost: z.string(),
  cause: FindingCause,
  causeText: z.string(),
  where: z.string(),
  certainty: z.string(),
  changes: z.array(z.string()),
  loop: z.string(),
  commands: z.array(z.string()),
});
export type AlertExplanation = z.infer<typeof AlertExplanation>;

export const Numbers = z.record(
  z.string(),
  z.union([z.number(), z.string(), z.boolean(), z.null()]),
);
export type Numbers = z.infer<typeof Numbers>;

/** One alert as `GET /api/v1/alerts` lists it. */
export const AlertView = z.strictObject({
  id: z.string(),
  model: z.string(),
  kind: AlertKind,
  severity: AlertSeverity,
  state: AlertState,
  /** What of the model it is about: a feature, a segment; empty for the whole model. */
  subject: z.string(),
  cause: FindingCause,
  /** Model time. */
  from: rfc3339,
  to: rfc3339.nullable(),
  /** When it began to fire, in model time; null while it never did. */
  fired: rfc3339.nullable(),
  title: z.string(),
  text: z.string(),
  revision: z.int(),
  acknowledged: z.strictObject({ by: z.string(), at: rfc3339 }).nullable(),
  silenced: z.strictObject({ by: z.string(), until: rfc3339, reason: z.string() }).nullable(),
});
export type AlertView = z.infer<typeof AlertView>;

/** `GET /api/v1/alerts/{id}`: the whole story. */
export const AlertDetail = AlertView.extend({
  explanation: AlertExplanation,
  numbers: Numbers,
  finding: DataBreakFinding.nullable(),
  /** Windows whose stored results led to it, newest last. */
  windows: z.array(z.string()),
  /** SHA-256 over everything that the verdict was computed from. */
  replayDigest: z.string(),
  /** Which channel was told what and when, and what waits; oldest first. */
  told: z.array(z.strictObject({ at: rfc3339, text: z.string() })).prefault([]),
  /** Anything later that concerns it: late labels, a re-issued window. */
  annotations: z.array(z.strictObject({ at: rfc3339, text: z.string() })),
});
export type AlertDetail = z.infer<typeof AlertDetail>;

/** `POST /api/v1/models/{model}/alerts/test`: what each channel of the model answered. */
export const AlertTest = z.object({
  model: z.string(),
  answers: z.array(
    z.object({
      channel: z.string(),
      severities: z.array(AlertSeverity),
      delivered: z.boolean(),
      detail: z.string(),
    }),
  ),
});
export type AlertTest = z.infer<typeof AlertTest>;

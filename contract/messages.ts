/**
 * What processes tell each other over core NATS: small JSON messages, repeated while they are true, so
 * that nobody depends on having heard one. Parsed at the edge by these schemas.
 */
import { z } from "zod";

const timeMs = z.int();
const spoolId = z.string().regex(/^[0-9a-f]{32}$/);

export const HeadMessage = z.object({
  spool: spoolId,
  shard: z.int(),
  /** The seq that the next frame will get; frames are numbered from 1. */
  nextSeq: z.int(),
  storedThrough: z.int(),
  /** Acceptance time (wall) of the oldest frame that is not known to be stored. */
  oldestUnstoredMs: timeMs.nullable(),
  /** Models this spool carried in the last hour. */
  models: z.array(z.string()),
  /** True of an agent that reads the endpoints which documents name as `service.metrics`. */
  scrapes: z.boolean().optional(),
  sentMs: timeMs,
});
export type HeadMessage = z.infer<typeof HeadMessage>;

export const StoredMessage = z.object({ spool: spoolId, shard: z.int(), storedThrough: z.int() });
export type StoredMessage = z.infer<typeof StoredMessage>;

export const WantMessage = z.object({ spool: spoolId, fromSeq: z.int() });
export type WantMessage = z.infer<typeof WantMessage>;

export const WatermarkMessage = z.object({
  model: z.string(),
  clock: z.enum(["wall", "replay"]),
  /** Event time up to which all that agents accepted is stored. */
  watermarkMs: timeMs,
  /** The model's clock. */
  clockMs: timeMs,
});
export type WatermarkMessage = z.infer<typeof WatermarkMessage>;

export const AnalyzedMessage = z.object({
  model: z.string(),
  clock: z.enum(["wall", "replay"]),
  throughMs: timeMs,
});
export type AnalyzedMessage = z.infer<typeof AnalyzedMessage>;

/** `clock` as in the word of the analyzer that it answers: times of two clocks are not compared. */
export const SettledMessage = z.object({
  model: z.string(),
  clock: z.enum(["wall", "replay"]),
  throughMs: timeMs,
});
export type SettledMessage = z.infer<typeof SettledMessage>;

/** `document` is an OnboardingDocument as JSON; null when the model was retired. */
export const ModelMessage = z.object({
  model: z.string(),
  revision: z.int(),
  document: z.unknown().nullable(),
});
export type ModelMessage = z.infer<typeof ModelMessage>;

/** Anything the terminal may tell: one line per event that matters. */
export const AlertMessage = z.object({
  id: z.string(),
  model: z.string(),
  kind: z.string(),
  severity: z.enum(["page", "ticket", "info"]),
  state: z.enum(["pending", "firing", "resolved"]),
  atMs: timeMs,
  fromMs: timeMs,
  toMs: timeMs.nullable(),
  /** Null: it has not fired, or was pending and did not last. */
  firedMs: timeMs.nullable(),
  title: z.string(),
  /** One sentence with the numbers that led to it. */
  text: z.string(),
});
export type AlertMessage = z.infer<typeof AlertMessage>;

export const RunMessage = z.object({
  model: z.string(),
  atMs: timeMs,
  /** "check" for a decision without a run, else the run's step. */
  step: z.string(),
  runId: z.string().nullable(),
  decision: z.enum(["RETRAIN", "RECALIBRATE", "WAIT", "INVESTIGATE"]).nullable(),
  version: z.string().nullable(),
  title: z.string(),
  text: z.string(),
  numbers: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
});
export type RunMessage = z.infer<typeof RunMessage>;

export const ReplayMessage = z.object({
  model: z.string(),
  phase: z.enum(["preparing", "replaying", "waiting", "finished"]),
  clockMs: timeMs,
  fromMs: timeMs,
  toMs: timeMs,
  predictions: z.int(),
  labels: z.int(),
  text: z.string().nullable(),
});
export type ReplayMessage = z.infer<typeof ReplayMessage>;

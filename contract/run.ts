/**
 * What the retrainer decides and does, as others see it: checks, runs, judgements, versions, audit. The
 * retrainer's journal keeps these values, its tables and routes show them; every verdict has its reason
 * and the numbers that led to it.
 */
import { z } from "zod";

const timeMs = z.int();

export const Numbers = z.record(
  z.string(),
  z.union([z.number(), z.string(), z.boolean(), z.null()]),
);
export type Numbers = z.infer<typeof Numbers>;

export const Decision = z.enum(["RETRAIN", "RECALIBRATE", "WAIT", "INVESTIGATE"]);
export type Decision = z.infer<typeof Decision>;

/** `paused` is the stop switch; it stands over the document until it ends. */
export const LoopMode = z.enum(["paused", "observe", "propose", "auto"]);
export type LoopMode = z.infer<typeof LoopMode>;

/** One look at whether to retrain, at the model time `atMs`. */
export const Check = z.object({
  id: z.string(),
  model: z.string(),
  atMs: timeMs,
  /** The trigger as the document words it, or "manual". */
  trigger: z.string(),
  decision: Decision,
  /** One sentence with the numbers that led to it. */
  reason: z.string(),
  numbers: Numbers,
  mode: LoopMode,
  /** The run that the decision started; null where it only reports. */
  runId: z.string().nullable(),
  /** Labelled rows [from, to) on which champion and refit were compared; null where none were. */
  block: z.object({ fromMs: timeMs, toMs: timeMs }).nullable(),
  /** Folder of the probe's model (`manifest.json`, `model.onnx`), kept for comparisons. */
  artifact: z.string().nullable(),
});
export type Check = z.infer<typeof Check>;

export const Verdict = z.enum(["PASS", "FAIL", "INCONCLUSIVE", "ERROR"]);
export type Verdict = z.infer<typeof Verdict>;

/** One check of the judge: the primary metric, a guard, a slice, a property of the answers. */
export const Gate = z.object({
  name: z.string(),
  verdict: Verdict,
  text: z.string(),
  numbers: Numbers,
});
export type Gate = z.infer<typeof Gate>;

export const Judgement = z.object({
  verdict: Verdict,
  reason: z.string(),
  gates: z.array(Gate),
  block: z.object({ fromMs: timeMs, toMs: timeMs }),
  rows: z.int(),
  /** How many challengers this block has judged, this one included. */
  blockUses: z.int(),
});
export type Judgement = z.infer<typeof Judgement>;

/** An artifact folder by content: `sha256` is the digest of the model file that `entry` names. */
export const Artifact = z.object({
  folder: z.string(),
  entry: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  device: z.string().nullable(),
});
export type Artifact = z.infer<typeof Artifact>;

export const DatasetRef = z.object({
  folder: z.string(),
  /** sha256 of dataset.json, which holds the digests of all files. */
  sha256: z.string(),
  rows: z.int(),
  fromMs: timeMs.nullable(),
  toMs: timeMs,
});
export type DatasetRef = z.infer<typeof DatasetRef>;

export const RUN_STATUSES = [
  "decided",
  "dataset",
  "training",
  "judging",
  "registered",
  "approval",
  "staged",
  "canary",
  "undoing",
  "promoted",
  "rejected",
  "rolled_back",
  "failed",
  "cancelled",
] as const;
export const RunStatus = z.enum(RUN_STATUSES);
export type RunStatus = z.infer<typeof RunStatus>;

/** Statuses that nothing leaves. */
export const TERMINAL_STATUSES: ReadonlySet<RunStatus> = new Set([
  "promoted",
  "rejected",
  "rolled_back",
  "failed",
  "cancelled",
]);

/** A version of a model: immutable once registered; what happens to it is in the audit log. */
export const VersionRecord = z.object({
  model: z.string(),
  version: z.string(),
  /** "run": trained by a run; "recalibrated": a scaled champion; "adopted": found serving. */
  origin: z.enum(["run", "recalibrated", "adopted"]),
  artifact: Artifact,
  runId: z.string().nullable(),
  parentVersion: z.string().nullable(),
  registeredMs: timeMs,
  dataset: DatasetRef.nullable(),
  judgement: Judgement.nullable(),
  /** What the trainer wrote into metrics.json, as it is. */
  metrics: z.record(z.string(), z.unknown()),
  /** ONNX inputs and the output that is the score. */
  signature: z.object({
    inputs: z.array(z.object({ name: z.string(), type: z.string(), rank: z.int() })),
    output: z.string(),
  }),
});
export type VersionRecord = z.infer<typeof VersionRecord>;

export const AuditEntry = z.object({
  seq: z.int(),
  /** Wall time of the entry. */
  recordedMs: timeMs,
  /** Model time that it belongs to. */
  atMs: timeMs,
  model: z.string(),
  actor: z.string(),
  action: z.string(),
  /** Run, version or mode that it was done to. */
  target: z.string(),
  reason: z.string(),
  /** JSON. */
  detail: z.string(),
  /** sha256 over the entry before; 64 zeros for the first. */
  previousHash: z.string(),
  hash: z.string(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

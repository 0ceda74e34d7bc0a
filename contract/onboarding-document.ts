/**
 * The onboarding document: what a person says about a model (INTERFACES, onboarding). One strict schema
 * is the source of types, checks and docs; unknown keys are errors, so that a typo is not silence.
 */
import { z } from "zod";
import { CaptureSettings } from "./capture-settings.ts";
import { Duration } from "./duration.ts";
import { Fraction } from "./fraction.ts";
import { LIMITS } from "./limits.ts";
import { DocumentMapping } from "./mapping.ts";
import { Redaction } from "./redaction.ts";

/** Kind and name of a channel. */
export const ChannelName = z
  .string()
  .regex(/^[a-z]+\/\S+$/, "expected kind/name, e.g. pagerduty/risk or slack/#risk-ml");

/** "pagerduty/risk", or several: kind and name of channels that the analyzer's channels file describes. */
const ChannelNames = z
  .union([ChannelName, z.array(ChannelName).min(1).max(LIMITS.channelsPerSeverityMax)])
  .transform((names): readonly string[] => (typeof names === "string" ? [names] : names));

const BUDGET = /^(\d+) (page|ticket)s? per (\d+(?:\.\d+)?(?:s|m|h|d|w))$/;

/** "1 page per 30d", or "1 page per 30d, 6 tickets per 30d": how many statistical alerts may notify. */
const Budget = z
  .string()
  .refine(
    (text) => text.split(/\s*,\s*/).every((part) => BUDGET.test(part)),
    'expected e.g. "1 page per 30d" or "1 page per 30d, 6 tickets per 30d"',
  )
  .transform((text) =>
    text.split(/\s*,\s*/).map((part) => {
      const [, count = "0", severity = "page", span = "0s"] = BUDGET.exec(part) ?? [];
      return {
        severity: severity === "ticket" ? ("ticket" as const) : ("page" as const),
        count: Number(count),
        spanMs: Duration.parse(span),
      };
    }),
  );

const FeatureSpec = z.strictObject({
  type: z.enum(["numeric", "categorical", "text"]),
  unit: z.string().optional(),
  range: z.tuple([z.number(), z.number()]).optional(),
  /** Length of the circle for values that wrap: 24 for an hour of the day, 7 for a weekday. */
  period: z.number().positive().optional(),
  /** At the agent, before anything is written. */
  redact: Redaction.optional(),
});

/** Labels fetched on a schedule: by a statement of the engine, or from Parquet files here or in S3. */
const LabelPull = z
  .strictObject({
    sql: z.string().optional(),
    /** A path of the engine's machine or s3://bucket/key, with * for any letters. */
    file: z.string().optional(),
    every: Duration,
  })
  .refine(
    ({ sql, file }) => (sql === undefined) !== (file === undefined),
    "expected either sql or file",
  );

const Trigger = z.union([
  z.strictObject({ threshold: z.string().min(3) }),
  z.strictObject({
    probe: z.strictObject({ every: Duration, gain: z.number().positive() }),
  }),
]);

const Train = z.strictObject({
  executor: z.enum(["process", "kubernetes", "slurm", "ray", "webhook"]).prefault("process"),
  command: z.array(z.string()).min(1).optional(),
  image: z.string().optional(),
  gpus: z.int().min(0).prefault(0),
  deadline: Duration.prefault("2h"),
  artifacts: z.string().optional(),
  params: z.record(z.string(), z.unknown()).prefault({}),
});

export const OnboardingDocument = z.strictObject({
  apiVersion: z.literal("driftmend/v1"),
  kind: z.literal("Model"),
  metadata: z.strictObject({
    name: z.string().min(1).max(LIMITS.modelNameBytesMax),
    owner: z.string().optional(),
    runbook: z.url().optional(),
  }),
  task: z.strictObject({
    type: z.enum(["binary", "multiclass", "regression", "ranking", "generation"]),
    positive: z.string().optional(),
    /** What absence becomes (labels.negative_after): contract/negative-label.ts knows usual opposites. */
    negative: z.string().min(1).max(LIMITS.textBytesMax).optional(),
    threshold: z.number().min(0).max(1).prefault(0.5),
  }),
  match: z.strictObject({ resource: z.record(z.string(), z.string()) }).optional(),
  identity: z
    .strictObject({
      prediction: z.string().optional(),
      version: z.string().optional(),
      duplicates: z.enum(["first-wins", "last-wins"]).prefault("first-wins"),
    })
    .optional(),
  /** How another vocabulary, or an inference request's tensors, become this model's records (docs/mapping.md). */
  map: DocumentMapping.optional(),
  /** What of its predictions is kept, how many and how large ones (docs/sampling.md). */
  capture: CaptureSettings.prefault({}),
  features: z.record(z.string(), FeatureSpec).prefault({}),
  segments: z.array(z.string()).max(LIMITS.segmentTagsMax).prefault([]),
  rollup: z.enum(["1m", "1h", "1d"]).optional(),
  labels: z
    .strictObject({
      pull: LabelPull.optional(),
      /** No label so long after its prediction is the negative one. */
      negative_after: Duration.optional(),
      /** Of predictions whose outcome is never seen: contract/record-condition.ts. */
      censored: z.string().optional(),
      lateness: Duration.prefault("1h"),
      /** When labels usually are there; older windows without labels alert. */
      expected_within: Duration.prefault("7d"),
    })
    .prefault({}),
  reference: z
    .strictObject({
      training_set: z.string().optional(),
      per_version: z.boolean().prefault(true),
      season: Duration.prefault("1w"),
    })
    .prefault({}),
  quality: z
    .strictObject({
      primary: z
        .enum(["log_loss", "skill", "brier", "auc", "accuracy", "mae", "rmse"])
        .prefault("skill"),
      guards: z.array(z.string()).prefault(["calibration", "auc"]),
      cost: z.strictObject({ fp: z.number(), fn: z.number(), currency: z.string() }).optional(),
      /** Feature whose ten largest values are the judge's slices. */
      slices: z.string().optional(),
    })
    .prefault({}),
  service: z
    .strictObject({
      metrics: z.url({ protocol: /^https?$/ }).optional(),
      error_rate: Fraction.prefault("1%"),
      latency_p95: Duration.optional(),
      no_traffic: z.union([z.literal("auto"), z.literal("off"), Duration]).prefault("auto"),
      /** Whether far more or fewer requests than the same hours of past weeks carried are told. */
      volume: z.enum(["auto", "off"]).prefault("auto"),
    })
    .prefault({}),
  alerts: z
    .strictObject({
      page: ChannelNames.optional(),
      ticket: ChannelNames.optional(),
      info: ChannelNames.optional(),
      /** Gets every alert of the model, whatever its severity. */
      webhook: z.url().optional(),
      budget: Budget.optional(),
    })
    .prefault({}),
  retrain: z
    .strictObject({
      mode: z.enum(["observe", "propose", "auto"]).prefault("observe"),
      when: z.array(Trigger).prefault([]),
      recalibrate: z.enum(["when-enough", "off"]).prefault("when-enough"),
      window: z
        .strictObject({
          choose: z.array(z.string()).prefault(["all"]),
          embargo: Duration.prefault("7d"),
          minimum_rows: z.int().prefault(10_000),
        })
        .prefault({}),
      train: Train.prefault({}),
      judge: z
        .strictObject({
          predict: z.enum(["onnx", "command", "endpoint"]).prefault("onnx"),
          block: Duration.prefault("14d"),
          cluster: z.enum(["hour", "day"]).prefault("day"),
        })
        .prefault({}),
    })
    .prefault({}),
  rollout: z
    .strictObject({
      target: z.enum(["directory", "triton", "mlserver", "kserve", "gitops", "webhook"]),
      path: z.string().optional(),
      url: z.url().optional(),
      /** Steps before 100 %, each a share and how long it lasts in model time: "10% 1d". */
      steps: z.array(z.string()).prefault(["10% 1d", "100%"]),
    })
    .optional(),
});
export type OnboardingDocument = z.infer<typeof OnboardingDocument>;
export type OnboardingDocumentInput = z.input<typeof OnboardingDocument>;

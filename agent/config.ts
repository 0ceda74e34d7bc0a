/** Settings of the agent. */
import { z } from "zod";
import {
  type CaptureSettings,
  RecordBytes,
  RecordRateText,
  SampleShare,
} from "../contract/capture-settings.ts";
import { LIMITS } from "../contract/limits.ts";
import { givenNumber, wholeNumber } from "../runtime/env.ts";
import { serviceSettings } from "../runtime/service.ts";
import { ShedOrder, type SheddingPlan } from "./sampling/shedding.ts";

const GIB = 1024 ** 3;
export const OTLP_GRPC_PORT = 4317;

/** "10%" or "0.1". */
const GivenShare = z
  .string()
  .regex(/^\d*\.?\d+%?$/, "expected e.g. 10% or 0.1")
  .transform((text) => (text.endsWith("%") ? text : Number(text)))
  .pipe(SampleShare);

export const AgentConfig = z.object({
  ...serviceSettings,
  DRIFTMEND_OTLP_HTTP_PORT: wholeNumber(4318).meta({
    description: "Port of all doors of the agent but OTLP/gRPC; 0 picks a free one",
  }),
  DRIFTMEND_OTLP_GRPC_PORT: z
    .union([z.literal("off"), givenNumber])
    .optional()
    .meta({
      description:
        "Port of OTLP/gRPC; 0 picks a free one, off opens none. By default 4317, unless another program listens there",
    }),
  DRIFTMEND_PROXY_UPSTREAM: z
    .url({ protocol: /^http$/ })
    .optional()
    .meta({
      description:
        "Address of a model server whose inference calls pass through the agent and are captured (docs/proxy.md)",
    }),
  DRIFTMEND_PROXY_PORT: wholeNumber(8090).meta({
    description: "Port on which callers reach that model server; 0 picks a free one",
  }),
  DRIFTMEND_PROXY_GRPC_UPSTREAM: z
    .url({ protocol: /^http$/ })
    .optional()
    .meta({
      description: "As DRIFTMEND_PROXY_UPSTREAM, of the model server's gRPC port",
    }),
  DRIFTMEND_PROXY_GRPC_PORT: wholeNumber(8091).meta({
    description: "Port on which callers reach that gRPC port; 0 picks a free one",
  }),
  DRIFTMEND_MAPPINGS: z.string().optional().meta({
    description:
      "File, or folder of files, of mappings: how other vocabularies become predictions (docs/mapping.md)",
  }),
  DRIFTMEND_SCRAPE: z.string().optional().meta({
    description:
      "Prometheus endpoints of model servers that are read: addresses by commas, each with or without preset= before it, or a YAML file of targets (docs/operations.md)",
  }),
  DRIFTMEND_SCRAPE_SECONDS: wholeNumber(30, 1).meta({
    description: "Time between two readings of an endpoint, 300 at most",
  }),
  DRIFTMEND_SCRAPE_DOCUMENTS: z.enum(["on", "off"]).prefault("on").meta({
    description:
      "Whether endpoints that onboarding documents name as service.metrics are read; several agents share them",
  }),
  DRIFTMEND_REDACTION_KEY: z.string().min(16).optional().meta({
    description:
      "Key of the hashes of features with redact: hash; the same for all agents. Without one, hashes are plain",
  }),
  DRIFTMEND_CAPTURE_SAMPLE: GivenShare.optional().meta({
    description:
      "Share of the predictions that is kept, as 10%, of models whose document does not say (docs/sampling.md); all by default",
  }),
  DRIFTMEND_CAPTURE_KEEP: z.enum(["errors", "nothing"]).optional().meta({
    description: "What is kept beside that share: predictions that failed, or nothing",
  }),
  DRIFTMEND_CAPTURE_RATE: RecordRateText.optional().meta({
    description:
      "Predictions of one model that this agent takes in, as 500/s; what is over is counted and not kept. No limit by default",
  }),
  DRIFTMEND_CAPTURE_RECORD: RecordBytes.optional().meta({
    description:
      "The largest prediction, as 64KiB; larger ones become dead letters. No limit by default",
  }),
  DRIFTMEND_SPOOL_DIR: z
    .string()
    .prefault(".driftmend/agent")
    .meta({ description: "Folder of the spool; one agent per folder" }),
  DRIFTMEND_NATS_URL: z
    .string()
    .prefault("nats://127.0.0.1:4222")
    .meta({ description: "NATS with JetStream; the agent takes requests in without it too" }),
  DRIFTMEND_SHARDS: wholeNumber(LIMITS.shards, 1).meta({
    description: "Streams that frames are spread over; the same for every agent and collector",
  }),
  DRIFTMEND_SPOOL_BYTES_MAX: wholeNumber(8 * GIB, 1).meta({
    description: "What waits to be stored may take on disk; over it requests are answered with 503",
  }),
  DRIFTMEND_SHED: ShedOrder.optional().meta({
    description:
      "What is given up while the spool fills, in this order, as dead-letter-samples,predictions (docs/back-pressure.md). By default nothing is: a full spool refuses requests",
  }),
  DRIFTMEND_SHED_FROM: GivenShare.prefault("50%").meta({
    description: "How full the spool is when the first of them is given up",
  }),
  DRIFTMEND_BACKLOG_BYTES: wholeNumber(LIMITS.backlogBytesMax, 1).meta({
    description:
      "How much of a backlog may be published and not stored at a time: live data of other agents waits behind it",
  }),
  DRIFTMEND_HEARTBEAT_SECONDS: wholeNumber(60).meta({
    description:
      "How long nothing may come before a frame without rows tries the way to the database; 0: never",
  }),
  DRIFTMEND_EVENT_AGE_DAYS_MAX: wholeNumber(400, 1).meta({
    description:
      "Events further behind their model's clock are set aside; what the raw table keeps",
  }),
});

/** What holds for models whose document does not say. */
export function captureDefaults(config: AgentConfig): CaptureSettings {
  const { DRIFTMEND_CAPTURE_SAMPLE: sample, DRIFTMEND_CAPTURE_KEEP: keep } = config;
  const { DRIFTMEND_CAPTURE_RATE: rate, DRIFTMEND_CAPTURE_RECORD: record } = config;
  return { sample, keep, rate, record };
}

export function sheddingPlan(config: AgentConfig): SheddingPlan {
  return { order: config.DRIFTMEND_SHED ?? [], fromShare: config.DRIFTMEND_SHED_FROM };
}

export type AgentConfig = z.output<typeof AgentConfig>;

/** Settings of the collector. */
import { z } from "zod";
import { LIMITS } from "../contract/limits.ts";
import { type Environment, givenNumber, wholeNumber } from "../runtime/env.ts";
import { serviceSettings } from "../runtime/service.ts";
import { LabelSources } from "../store/label-source.ts";

export const collectorConfig = z.object({
  ...serviceSettings,
  DRIFTMEND_PORT: wholeNumber(0).meta({
    description: "Port of the collector's own routes; 0 picks a free one",
  }),
  DRIFTMEND_INSTANCE: z.string().min(1).prefault("collector").meta({
    description: "Name of this instance: the same after a restart, another for each copy",
  }),
  DRIFTMEND_NATS_URL: z.string().prefault("nats://127.0.0.1:4222").meta({
    description: "NATS servers; credentials stand in front: nats://user:password@host:4222",
  }),
  DRIFTMEND_CLICKHOUSE_URL: z
    .url()
    .prefault("http://127.0.0.1:8123")
    .meta({ description: "ClickHouse's HTTP interface" }),
  DRIFTMEND_CLICKHOUSE_USER: z.string().prefault("default").meta({ description: "Its user" }),
  DRIFTMEND_CLICKHOUSE_PASSWORD: z.string().prefault("").meta({ description: "Its password" }),
  DRIFTMEND_CLICKHOUSE_DATABASE: z
    .string()
    .regex(/^\w+$/, "expected letters, digits and underscores")
    .prefault("driftmend")
    .meta({ description: "Database of all tables" }),
  DRIFTMEND_SHARDS: wholeNumber(LIMITS.shards, 1).meta({
    description: "Shards of the transport; the same for agents and collectors",
  }),
  DRIFTMEND_STREAM_BYTES: wholeNumber(LIMITS.frameStreamBytesMax, 1).meta({
    description: "Bytes of frames that JetStream holds for each shard before agents have to wait",
  }),
  DRIFTMEND_STREAM_REPLICAS: wholeNumber(1, 1).meta({
    description: "Copies of each stream in a NATS cluster",
  }),
  DRIFTMEND_TABLE_BYTES_MAX: givenNumber.optional().meta({
    description:
      "What the tables may take on the engine's disk; over it nothing is stored, and frames wait in streams and spools (docs/back-pressure.md). No limit by default",
  }),
  DRIFTMEND_RECONCILE_SECONDS: wholeNumber(600, 1).meta({
    description: "How often rollups of closed hours are compared with raw",
  }),
  DRIFTMEND_LABEL_SOURCES: LabelSources.meta({
    description:
      "Table functions that a statement of labels.pull may read from, besides our own tables (docs/labels.md)",
  }),
});

/**
 * Secrets that statements of labels.pull name as {secret_NAME:String}: the variables DRIFTMEND_LABEL_SECRET_NAME.
 * Names are given in any case, and are small letters in statements.
 */
export function labelSecrets(env: Environment): Readonly<Record<string, string>> {
  const prefix = "DRIFTMEND_LABEL_SECRET_";
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith(prefix) && value !== undefined
        ? [[`secret_${name.slice(prefix.length).toLowerCase()}`, value] as const]
        : [],
    ),
  );
}

export type CollectorConfig = z.output<typeof collectorConfig>;

/** Settings of the analyzer: the one schema for environment, file and documentation. */
import { z } from "zod";
import { wholeNumber } from "../runtime/env.ts";
import { serviceSettings } from "../runtime/service.ts";

export const AnalyzerSettings = z.object({
  ...serviceSettings,
  DRIFTMEND_PORT: wholeNumber(7403).meta({
    description: "Port of the analyzer's HTTP API; 0 picks a free one",
  }),
  DRIFTMEND_NATS_URL: z
    .string()
    .prefault("nats://127.0.0.1:4222")
    .meta({ description: "NATS server with JetStream" }),
  DRIFTMEND_CLICKHOUSE_URL: z
    .url()
    .prefault("http://127.0.0.1:8123")
    .meta({ description: "ClickHouse's HTTP interface" }),
  DRIFTMEND_CLICKHOUSE_USER: z.string().prefault("default").meta({ description: "Its user" }),
  DRIFTMEND_CLICKHOUSE_PASSWORD: z.string().prefault("").meta({ description: "Its password" }),
  DRIFTMEND_CLICKHOUSE_DATABASE: z
    .string()
    .prefault("driftmend")
    .meta({ description: "Database that holds Driftmend's tables" }),
  DRIFTMEND_CHANNELS: z.string().optional().meta({
    description:
      "YAML file of the channels that alerts go to (docs/alerts.md); none: they stay in the list",
  }),
  DRIFTMEND_ANALYZER_DATA: z.string().optional().meta({
    description:
      "Folder of the journal of notifications; none: what is not delivered yet is forgotten by a restart",
  }),
  DRIFTMEND_DOCUMENTS_DIR: z.string().optional().meta({
    description: "Folder of onboarding documents that is watched: what stands there holds",
  }),
  DRIFTMEND_WEBHOOK_URL: z
    .url()
    .optional()
    .meta({ description: "Where alerts go that no document and no default sends to a channel" }),
  DRIFTMEND_WEBHOOK_SECRET: z
    .string()
    .min(16, "expected at least 16 characters")
    .optional()
    .meta({ description: "Key of the webhooks' signature (Standard Webhooks); none: unsigned" }),
});
export type AnalyzerSettings = z.output<typeof AnalyzerSettings>;

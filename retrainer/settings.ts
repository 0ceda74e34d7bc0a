/** Settings of the retrainer, as its process gets them in its environment. */
import { z } from "zod";
import { wholeNumber } from "../runtime/env.ts";
import { serviceSettings } from "../runtime/service.ts";

export const RetrainerSettings = z.object({
  ...serviceSettings,
  DRIFTMEND_PORT: wholeNumber(7404).meta({
    description: "Port of the HTTP API; 0 takes a free one",
  }),
  DRIFTMEND_NATS_URL: z
    .string()
    .prefault("nats://127.0.0.1:4222")
    .meta({ description: "Address of the NATS server" }),
  DRIFTMEND_CLICKHOUSE_URL: z
    .url()
    .prefault("http://127.0.0.1:8123")
    .meta({ description: "Address of ClickHouse's HTTP interface" }),
  DRIFTMEND_CLICKHOUSE_USER: z
    .string()
    .prefault("default")
    .meta({ description: "User of the store" }),
  DRIFTMEND_CLICKHOUSE_PASSWORD: z.string().prefault("").meta({ description: "Its password" }),
  DRIFTMEND_CLICKHOUSE_DATABASE: z
    .string()
    .prefault("driftmend")
    .meta({ description: "Database of the tables" }),
  DRIFTMEND_RETRAINER_DATA: z
    .string()
    .min(1)
    .meta({ description: "Folder of the journal, data sets, trainings and versions" }),
  DRIFTMEND_TRAINER_DIR: z
    .string()
    .optional()
    .meta({ description: "Where relative train commands start; default: the working directory" }),
  DRIFTMEND_GPU_LOCKS: z
    .string()
    .optional()
    .meta({ description: "Folder of the GPU locks, shared by all retrainers of a machine" }),
  DRIFTMEND_NVIDIA_SMI: z
    .string()
    .prefault("nvidia-smi")
    .meta({ description: "Program that lists the GPUs of this machine" }),
});
export type RetrainerSettings = z.output<typeof RetrainerSettings>;

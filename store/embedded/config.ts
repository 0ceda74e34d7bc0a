/** Settings of the endpoint, as its process gets them in its environment. */
import { z } from "zod";
import { wholeNumber } from "../../runtime/env.ts";
import { serviceSettings } from "../../runtime/service.ts";

export const embeddedSettings = z.object({
  DRIFTMEND_LOG_LEVEL: serviceSettings.DRIFTMEND_LOG_LEVEL,
  DRIFTMEND_HOST: serviceSettings.DRIFTMEND_HOST,
  DRIFTMEND_STORE_PORT: wholeNumber(8123).meta({
    description: "Port of the ClickHouse HTTP interface; 0 takes a free one",
  }),
  DRIFTMEND_STORE_DATA: z.string().min(1).meta({ description: "Data directory of the engine" }),
  DRIFTMEND_STORE_USER: z
    .string()
    .min(1)
    .prefault("driftmend")
    .meta({ description: "Account that may do everything" }),
  DRIFTMEND_STORE_PASSWORD: z
    .string()
    .min(16, "expected at least 16 characters")
    .meta({ description: "Its password" }),
  DRIFTMEND_STORE_READ_USER: z
    .string()
    .min(1)
    .prefault("driftmend_read")
    .meta({ description: "Account that may only read, for Grafana and people" }),
  DRIFTMEND_STORE_READ_PASSWORD: z
    .string()
    .min(16, "expected at least 16 characters")
    .optional()
    .meta({ description: "Its password; none: there is no such account" }),
  DRIFTMEND_STORE_MEMORY_MIB: wholeNumber(700, 256).meta({
    description: "Memory that the engine may use, MiB",
  }),
  DRIFTMEND_STORE_TMPFS: z
    .string()
    .prefault("auto")
    .meta({ description: 'Folder on tmpfs for bodies of inserts, "auto" (/dev/shm) or "none"' }),
});

export type EmbeddedSettings = z.output<typeof embeddedSettings>;

/** What `startEndpoint` needs, in its own words. */
export interface EndpointConfig {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly dataDirectory: string;
  readonly user: string;
  readonly password: string;
  readonly reader: { readonly user: string; readonly password: string } | undefined;
  readonly memoryBytesMax: number;
  readonly tmpfs: "auto" | "none" | { readonly folder: string };
  readonly cores: number;
}

export function endpointConfig(settings: EmbeddedSettings, cores: number): EndpointConfig {
  const readPassword = settings.DRIFTMEND_STORE_READ_PASSWORD;
  const tmpfs = settings.DRIFTMEND_STORE_TMPFS;
  return {
    host: settings.DRIFTMEND_HOST,
    port: settings.DRIFTMEND_STORE_PORT,
    dataDirectory: settings.DRIFTMEND_STORE_DATA,
    user: settings.DRIFTMEND_STORE_USER,
    password: settings.DRIFTMEND_STORE_PASSWORD,
    reader:
      readPassword === undefined
        ? undefined
        : { user: settings.DRIFTMEND_STORE_READ_USER, password: readPassword },
    memoryBytesMax: settings.DRIFTMEND_STORE_MEMORY_MIB * 1024 * 1024,
    tmpfs: tmpfs === "auto" || tmpfs === "none" ? tmpfs : { folder: tmpfs },
    cores,
  };
}

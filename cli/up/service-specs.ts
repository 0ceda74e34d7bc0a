/**
 * The services as children of `up`: the same programs as in a deployment, configured by environment.
 * Heap limits are what each needs on a small machine; columns live outside the heap.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { LEAN_ENVIRONMENT, LEAN_FLAGS } from "../../runtime/lean-process.ts";
import type { ChildSpec } from "../../runtime/example-plan.ts";
import { storeEnvironment } from "../../store/embedded/process-environment.ts";
import { modulePath } from "../places.ts";
import type { Credentials } from "./data-directory.ts";
import type { SettingsByService } from "./settings-file.ts";

export const CLICKHOUSE_USER = "driftmend";
/** May only read: for Grafana and people. */
export const CLICKHOUSE_READ_USER = "driftmend_read";

/** Named tokens, which the gateway writes and every service reads. */
export const tokensFile = (dataDir: string): string => join(dataDir, "tokens.json");

export interface Places {
  readonly dataDir: string;
  readonly credentials: Credentials;
  readonly clickhousePort: number;
  readonly otlpHttpPort: number;
  readonly otlpGrpcPort: number;
  readonly natsUrl: string;
  readonly clickhouseUrl: string;
  /** Further settings by service, from `--config` and the example. */
  readonly settings: SettingsByService;
}

const heap = (megabytes: number): string => `--max-old-space-size=${megabytes}`;

export function storeSpec(places: Omit<Places, "natsUrl" | "clickhouseUrl">): ChildSpec {
  return {
    name: "store",
    module: modulePath("store/embedded/main"),
    nodeFlags: [heap(256)],
    env: {
      DRIFTMEND_HOST: "127.0.0.1",
      DRIFTMEND_STORE_PORT: String(places.clickhousePort),
      DRIFTMEND_STORE_DATA: join(places.dataDir, "clickhouse"),
      DRIFTMEND_STORE_USER: CLICKHOUSE_USER,
      DRIFTMEND_STORE_PASSWORD: places.credentials.clickhousePassword,
      DRIFTMEND_STORE_READ_USER: CLICKHOUSE_READ_USER,
      DRIFTMEND_STORE_READ_PASSWORD: places.credentials.clickhouseReadPassword,
      ...storeEnvironment(availableParallelism()),
      ...places.settings["store"],
    },
  };
}

/** In the order in which they start. */
export function serviceSpecs(places: Places): ChildSpec[] {
  const base = {
    DRIFTMEND_HOST: "127.0.0.1",
    DRIFTMEND_TOKEN: places.credentials.token,
    DRIFTMEND_READ_TOKEN: places.credentials.readToken,
    DRIFTMEND_TOKENS_FILE: tokensFile(places.dataDir),
    DRIFTMEND_NATS_URL: places.natsUrl,
  };
  const store = {
    DRIFTMEND_CLICKHOUSE_URL: places.clickhouseUrl,
    DRIFTMEND_CLICKHOUSE_USER: CLICKHOUSE_USER,
    DRIFTMEND_CLICKHOUSE_PASSWORD: places.credentials.clickhousePassword,
    DRIFTMEND_CLICKHOUSE_DATABASE: "default",
  };
  const service = (
    name: string,
    heapMegabytes: number,
    env: Readonly<Record<string, string>>,
    /** What no file of settings overrides: it was chosen with that file in hand. */
    chosen: Readonly<Record<string, string>> = {},
    flags: readonly string[] = [],
  ): ChildSpec => ({
    name,
    module: modulePath(`${name}/main`),
    nodeFlags: [heap(heapMegabytes), ...flags],
    env: { ...base, ...env, ...places.settings[name], ...chosen },
  });
  return [
    service("collector", 384, { ...store, DRIFTMEND_PORT: "0" }),
    service("analyzer", 512, {
      ...store,
      DRIFTMEND_PORT: "0",
      DRIFTMEND_ANALYZER_DATA: join(places.dataDir, "analyzer"),
    }),
    service("retrainer", 768, {
      ...store,
      DRIFTMEND_PORT: "0",
      DRIFTMEND_RETRAINER_DATA: join(places.dataDir, "retrainer"),
    }),
    service(
      "agent",
      384,
      {
        ...LEAN_ENVIRONMENT,
        DRIFTMEND_OTLP_HTTP_PORT: String(places.otlpHttpPort),
        DRIFTMEND_SPOOL_DIR: join(places.dataDir, "agent"),
      },
      {
        DRIFTMEND_OTLP_GRPC_PORT: isGrpcOff(places.settings) ? "off" : String(places.otlpGrpcPort),
      },
      LEAN_FLAGS,
    ),
  ];
}

export const isGrpcOff = ({ agent }: SettingsByService): boolean =>
  agent?.["DRIFTMEND_OTLP_GRPC_PORT"] === "off";

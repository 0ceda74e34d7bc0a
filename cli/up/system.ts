/**
 * The one place that composes services: engines, schema, services, gateway, in the order in which they
 * need each other. Everything started is a step of the lifecycle, so a failure half-way stops the rest.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../../contract/limits.ts";
import { READY_FILE, type ReadyFile } from "../../contract/ready-file.ts";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { NamedTokens } from "../../runtime/named-tokens.ts";
import { withCredentials } from "../../runtime/nats-address.ts";
import { openStore } from "../../store/client.ts";
import { migrate } from "../../store/migrate.ts";
import type { Children } from "./children.ts";
import type { DataDirectory } from "./data-directory.ts";
import { createGateway } from "./gateway.ts";
import { pageDirectory } from "./page.ts";
import { residentBytes } from "./resident-memory.ts";
import {
  CLICKHOUSE_READ_USER,
  CLICKHOUSE_USER,
  isGrpcOff,
  serviceSpecs,
  storeSpec,
  tokensFile,
} from "./service-specs.ts";
import type { SettingsByService } from "./settings-file.ts";
import { spawnNats } from "./spawn-nats.ts";

const NATS_USER = "driftmend";

export interface SystemPorts {
  readonly gateway: number;
  readonly otlpHttp: number;
  readonly otlpGrpc: number;
  readonly nats: number;
  readonly clickhouse: number;
}

export interface SystemOptions {
  readonly directory: DataDirectory;
  readonly ports: SystemPorts;
  readonly natsBinary: string;
  readonly settings: SettingsByService;
  readonly retentionDays: Readonly<Record<string, number>>;
  /** A second place for ready.json. */
  readonly readyFile: string | undefined;
}

export interface SystemDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly lifecycle: Lifecycle;
  readonly children: Children;
  readonly step: (text: string) => void;
}

export async function startSystem(options: SystemOptions, deps: SystemDeps): Promise<ReadyFile> {
  const { directory, ports } = options;
  const { children } = deps;
  const natsUrl = await startNats(options, deps);
  deps.step("starting the store");
  const common = {
    dataDir: directory.path,
    credentials: directory.credentials,
    clickhousePort: ports.clickhouse,
    otlpHttpPort: ports.otlpHttp,
    otlpGrpcPort: ports.otlpGrpc,
    settings: options.settings,
  };
  const clickhouseUrl = await children.startNode(storeSpec(common));
  deps.step("bringing the tables up to date");
  await migrateSchema(options, clickhouseUrl, deps);
  for (const spec of serviceSpecs({ ...common, natsUrl, clickhouseUrl })) {
    deps.step(`starting the ${spec.name}`);
    await children.startNode(spec);
  }
  const url = await startGateway(options, deps);
  const ready: ReadyFile = {
    url,
    otlpHttp: children.url("agent") ?? "",
    otlpGrpc: grpcUrl(options),
    nats: natsUrl,
    clickhouse: {
      url: clickhouseUrl,
      user: CLICKHOUSE_USER,
      password: directory.credentials.clickhousePassword,
      readUser: CLICKHOUSE_READ_USER,
      readPassword: directory.credentials.clickhouseReadPassword,
    },
    token: directory.credentials.token,
    readToken: directory.credentials.readToken,
    dataDir: directory.path,
    pid: process.pid,
  };
  await announce(ready, options, deps);
  return ready;
}

/** Null where the settings of the agent turn the door off. */
function grpcUrl({ ports, settings }: SystemOptions): string | null {
  return isGrpcOff(settings) ? null : `http://127.0.0.1:${ports.otlpGrpc}`;
}

/** Its URL with credentials: for children's environments and ready.json, which are the owner's only. */
async function startNats(options: SystemOptions, deps: SystemDeps): Promise<string> {
  const { directory, ports } = options;
  const { children } = deps;
  const password = directory.credentials.natsPassword;
  deps.step("starting nats-server");
  const url = await children.start({
    name: "nats-server",
    endsByItself: false,
    launch: () =>
      spawnNats(
        {
          storeDir: join(directory.path, "nats"),
          port: ports.nats,
          maxPayloadBytes: LIMITS.natsPayloadBytesMax,
          login: { user: NATS_USER, password },
          binary: options.natsBinary,
        },
        { clock: deps.clock, logPath: children.logPath("nats-server") },
      ),
  });
  return withCredentials(url, NATS_USER, password);
}

async function migrateSchema(options: SystemOptions, url: string, deps: SystemDeps): Promise<void> {
  const password = options.directory.credentials.clickhousePassword;
  const store = openStore({ url, user: CLICKHOUSE_USER, password, database: "default" }, deps);
  try {
    await migrate(store, { retention: options.retentionDays }, deps);
  } finally {
    await store.close();
  }
}

async function startGateway(options: SystemOptions, deps: SystemDeps): Promise<string> {
  const { children } = deps;
  const { token, readToken } = options.directory.credentials;
  const named = new NamedTokens(tokensFile(options.directory.path), deps.clock);
  const resident = deps.metrics.gauge("resident_bytes", "Memory of all processes of this system");
  const restarts = deps.metrics.gauge("child_restarts", "Restarts by process", ["child"]);
  const collect = async (): Promise<void> => {
    resident.set(await residentBytes(process.pid));
    for (const child of children.list()) restarts.set({ child: child.name }, child.restarts());
  };
  const gateway = createGateway(
    { host: "127.0.0.1", port: options.ports.gateway, tokens: { token, readToken, named } },
    {
      logger: deps.logger,
      metrics: {
        ...deps.metrics,
        render: async () => {
          await collect();
          return deps.metrics.render();
        },
      },
      serviceUrl: (service) => children.url(service),
      self: () => selfOf(children),
      page: pageDirectory(),
    },
  );
  const url = await gateway.listen();
  deps.lifecycle.defer("gateway", () => gateway.close());
  return url;
}

/** What `up` says of its processes: GET /api/v1/self. */
async function selfOf(children: Children): Promise<object> {
  return {
    service: "up",
    pid: process.pid,
    residentBytes: await residentBytes(process.pid),
    processes: children.list().map((child) => ({
      name: child.name,
      url: child.url(),
      restarts: child.restarts(),
      ...child.state(),
    })),
  };
}

async function announce(ready: ReadyFile, options: SystemOptions, deps: SystemDeps): Promise<void> {
  const content = `${JSON.stringify(ready, null, 2)}\n`;
  const places = [join(options.directory.path, READY_FILE), options.readyFile];
  for (const path of places) {
    if (path === undefined) continue;
    await writeFileAtomic(path, content, 0o600);
    deps.lifecycle.defer(`remove ${path}`, () => rmSync(path, { force: true }));
  }
}

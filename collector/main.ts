/** The collector's process. */
import { collectBuffersWithHeap } from "../runtime/buffer-memory.ts";
import { runService, tokensOf } from "../runtime/service.ts";
import { connectNats } from "../runtime/nats.ts";
import { createHttpServer } from "../runtime/http-server.ts";
import { openStore } from "../store/client.ts";
import { checkSchema } from "../store/migrate.ts";
import { startCollector } from "./collector.ts";
import { collectorConfig, labelSecrets } from "./config.ts";
import { addRoutes } from "./routes.ts";

const READY_POLL_MS = 50;

collectBuffersWithHeap();
await runService({
  name: "collector",
  config: collectorConfig,
  start: async (config, deps) => {
    const { clock, logger, lifecycle, metrics, random, env } = deps;
    const store = openStore(
      {
        url: config.DRIFTMEND_CLICKHOUSE_URL,
        user: config.DRIFTMEND_CLICKHOUSE_USER,
        password: config.DRIFTMEND_CLICKHOUSE_PASSWORD,
        database: config.DRIFTMEND_CLICKHOUSE_DATABASE,
      },
      { clock, logger },
    );
    lifecycle.defer("store", () => store.close());
    await checkSchema(store);
    const nats = await connectNats(
      { url: config.DRIFTMEND_NATS_URL, name: "driftmend-collector" },
      { logger },
    );
    lifecycle.defer("nats", () => nats.close());
    const http = createHttpServer(
      {
        host: config.DRIFTMEND_HOST,
        port: config.DRIFTMEND_PORT,
        tokens: tokensOf(config, clock),
      },
      { logger, metrics },
    );
    const collector = await startCollector(
      {
        shards: config.DRIFTMEND_SHARDS,
        instance: config.DRIFTMEND_INSTANCE,
        processId: `${config.DRIFTMEND_INSTANCE}-${random.integer(2 ** 32).toString(16)}${random.integer(2 ** 32).toString(16)}`,
        stream: {
          bytesMax: config.DRIFTMEND_STREAM_BYTES,
          replicas: config.DRIFTMEND_STREAM_REPLICAS,
        },
        tableBytesMax: config.DRIFTMEND_TABLE_BYTES_MAX ?? null,
        reconcileMs: config.DRIFTMEND_RECONCILE_SECONDS * 1000,
        labels: { sources: config.DRIFTMEND_LABEL_SOURCES, secrets: labelSecrets(env) },
      },
      { store, nats, clock, logger, metrics },
    );
    lifecycle.defer("shards", () => collector.stop());
    addRoutes(http.app, { collector, store });
    http.setReadiness(() => collector.readiness() ?? collector.budget.reason);
    lifecycle.defer("http", () => http.close());
    const url = await http.listen();
    // Tables over their budget are no reason not to start: what makes room needs the system.
    while (collector.readiness() !== null) await clock.sleep(READY_POLL_MS);
    return { url };
  },
});

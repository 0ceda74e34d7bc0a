/** The analyzer as a process: windows → statistics → decisions → alerts, and the API that shows them. */
import { createHttpServer } from "../runtime/http-server.ts";
import { connectNats } from "../runtime/nats.ts";
import { type ServiceDeps, runService, tokensOf } from "../runtime/service.ts";
import { openStore } from "../store/client.ts";
import { checkSchema } from "../store/migrate.ts";
import { Analyzer } from "./analyzer.ts";
import { NO_CHANNELS, readChannelsFile } from "./channels/channels-file.ts";
import { journalPath } from "./notify/journal-path.ts";
import { addRoutes } from "./routes/routes.ts";
import { AnalyzerSettings } from "./settings.ts";

await runService({ name: "analyzer", config: AnalyzerSettings, start });

async function start(config: AnalyzerSettings, service: ServiceDeps): Promise<{ url: string }> {
  const { lifecycle, logger, clock, metrics } = service;
  const channels = config.DRIFTMEND_CHANNELS;
  const book = channels === undefined ? NO_CHANNELS : readChannelsFile(channels, service.env);
  const nats = await connectNats({ url: config.DRIFTMEND_NATS_URL, name: "analyzer" }, { logger });
  lifecycle.defer("nats", () => nats.close());
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
  const analyzer = new Analyzer(
    {
      book,
      webhookUrl: config.DRIFTMEND_WEBHOOK_URL,
      webhookSecret: config.DRIFTMEND_WEBHOOK_SECRET,
      dataDir: config.DRIFTMEND_ANALYZER_DATA ?? null,
      journalPath: journalPath(config.DRIFTMEND_ANALYZER_DATA, { logger }),
      documentsFolder: config.DRIFTMEND_DOCUMENTS_DIR,
    },
    { store, nats, clock, random: service.random, logger, metrics },
  );
  await analyzer.start();
  lifecycle.defer("loops", () => analyzer.stop());
  const http = createHttpServer(
    {
      host: config.DRIFTMEND_HOST,
      port: config.DRIFTMEND_PORT,
      tokens: tokensOf(config, clock),
    },
    { logger, metrics },
  );
  addRoutes(http.app, { analyzer, store, clock });
  http.setReadiness(() => null);
  const url = await http.listen();
  lifecycle.defer("http", () => http.close());
  return { url };
}

/** The analyzer as a service on a real store and NATS, with a receiver of webhooks that refuses the first one. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Analyzer } from "../../../analyzer/analyzer.ts";
import { NO_CHANNELS } from "../../../analyzer/channels/channels-file.ts";
import { addRoutes } from "../../../analyzer/routes/routes.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { AlertMessage, AnalyzedMessage } from "../../../contract/messages.ts";
import { subjects } from "../../../contract/subjects.ts";
import { processEnvironment } from "../../../runtime/env.ts";
import { type HttpServer, createHttpServer } from "../../../runtime/http-server.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { findNatsServer, startNatsServer } from "../../../runtime/nats-server.ts";
import { type Nats, connectNats } from "../../../runtime/nats.ts";
import { seededRandom } from "../../../runtime/random.ts";
import { type AnalysisStage, deps, startAnalysisStage } from "./analysis-stage.ts";
import { MODEL } from "./synthetic-traffic.ts";

export const TOKEN = "an-acting-token-of-tests";
export const READ_TOKEN = "a-reading-token-of-tests";
export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

export interface Running {
  readonly analyzer: Analyzer;
  readonly http: HttpServer;
  readonly url: string;
  stop(): Promise<void>;
}

export interface ServiceStage {
  readonly stage: AnalysisStage;
  readonly nats: Nats;
  /** Told on NATS so far. */
  readonly alerts: readonly AlertMessage[];
  /** By the webhook, the refused one too. */
  readonly received: readonly { headers: Record<string, unknown>; body: string }[];
  startService(): Promise<Running>;
  /** Announces a watermark and waits until it is analysed. */
  announce(ms: number): Promise<void>;
  close(): Promise<void>;
}

export async function startServiceStage(rowsPerDay: number): Promise<ServiceStage> {
  const stage = await startAnalysisStage(rowsPerDay);
  const folder = await mkdtemp(join(tmpdir(), "driftmend-nats-"));
  const server = await startNatsServer(
    {
      storeDir: folder,
      port: 0,
      maxPayloadBytes: LIMITS.natsPayloadBytesMax,
      binary: findNatsServer(processEnvironment()),
    },
    deps,
  );
  const nats = await connectNats({ url: server.url, name: "test" }, deps);
  const alerts: AlertMessage[] = [];
  nats.subscribe(subjects.all("alert"), AlertMessage, (message) => void alerts.push(message));
  const received: { headers: Record<string, unknown>; body: string }[] = [];
  let refusals = 1;
  const receiver = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      received.push({ headers: request.headers, body });
      response.statusCode = refusals-- > 0 ? 503 : 204;
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const { port } = receiver.address() as AddressInfo;
  return {
    ...{ stage, nats, alerts, received },
    startService: () => startAnalyzer(stage, server.url, `http://127.0.0.1:${port}/hook`),
    announce: (ms) => announce(nats, ms),
    close: async () => {
      receiver.close();
      await nats.close();
      await server.stop();
      await stage[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startAnalyzer(
  stage: AnalysisStage,
  natsUrl: string,
  webhookUrl: string,
): Promise<Running> {
  const metrics = createMetrics("analyzer");
  const own = await connectNats({ url: natsUrl, name: "analyzer" }, deps);
  const analyzer = new Analyzer(
    {
      book: NO_CHANNELS,
      ...{ webhookUrl, webhookSecret: SECRET },
      ...{ journalPath: ":memory:", dataDir: null },
    },
    { ...deps, store: stage.store, nats: own, random: seededRandom(1), metrics },
  );
  await analyzer.start();
  const http = createHttpServer(
    { host: "127.0.0.1", port: 0, tokens: { token: TOKEN, readToken: READ_TOKEN } },
    { logger: deps.logger, metrics },
  );
  addRoutes(http.app, { analyzer, store: stage.store, clock: deps.clock });
  const url = await http.listen();
  return {
    ...{ analyzer, http, url },
    stop: async () => {
      await http.close();
      await analyzer.stop();
      await own.close();
    },
  };
}

export async function call(
  running: Running,
  method: string,
  path: string,
  body?: unknown,
  token = TOKEN,
): Promise<{ status: number; json: unknown }> {
  const response = await fetch(`${running.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: await response.json() };
}

async function announce(nats: Nats, ms: number): Promise<void> {
  const analyzed = new Promise<void>((resolve) => {
    const stop = nats.subscribe(subjects.analyzed(MODEL), AnalyzedMessage, ({ throughMs }) => {
      if (throughMs < ms) return;
      stop();
      resolve();
    });
  });
  await nats.connection.flush();
  const message = { model: MODEL, clock: "replay", watermarkMs: ms, clockMs: ms };
  nats.publish(subjects.watermark(MODEL), message);
  await analyzed;
}

/**
 * The example's model server: V2 inference over REST on the versions of a model repository, told by
 * the directory target's load call which of them serve. It reports each prediction by OpenTelemetry.
 */
import { join } from "node:path";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { wholeNumber } from "../../runtime/env.ts";
import { type HttpServer, createHttpServer } from "../../runtime/http-server.ts";
import { type ServiceDeps, runService, serviceSettings } from "../../runtime/service.ts";
import { type Columns, InferRequest, columnsOf, runSession } from "./server/infer.ts";
import { type Telemetry, createTelemetry } from "./server/telemetry.ts";
import { type Versions, openVersions } from "./server/versions.ts";

const MODEL = "flights";
/** Inputs that describe a row and are not features. */
const ROW_INPUTS = new Set(["prediction_id", "event_time"]);

const ServerConfig = z.object({
  ...serviceSettings,
  FLIGHTS_REPOSITORY: z.string(),
  FLIGHTS_PORT: wholeNumber(0),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url(),
  OTEL_BLRP_MAX_QUEUE_SIZE: wholeNumber(65_536, 1),
  OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: wholeNumber(2_048, 1),
  OTEL_BLRP_SCHEDULE_DELAY: wholeNumber(200, 1),
});

interface Served {
  readonly versions: Versions;
  readonly telemetry: Telemetry;
  readonly deps: ServiceDeps;
}

function addRoutes(http: HttpServer, served: Served): void {
  const { app } = http;
  const { versions } = served;
  app.get("/v2/health/live", () => ({ live: true }));
  app.get("/v2/health/ready", () => ({ ready: true }));
  app.get(`/v2/models/${MODEL}`, () => ({
    name: MODEL,
    versions: versions.loaded(),
    platform: "onnx",
  }));
  app.post("/v2/repository/index", () =>
    versions.loaded().map((version) => ({ name: MODEL, version, state: "READY", reason: "" })),
  );
  app.post(`/v2/repository/models/${MODEL}/load`, async (_request, reply) => {
    try {
      return await versions.reload();
    } catch (error) {
      return reply.code(400).send({ error: String(error) });
    }
  });
  app.post(`/v2/models/${MODEL}/infer`, (request) =>
    infer(served, request.body, undefined, isProbe(request.headers)),
  );
  app.post<{ Params: { version: string } }>(
    `/v2/models/${MODEL}/versions/:version/infer`,
    (request) => infer(served, request.body, request.params.version, isProbe(request.headers)),
  );
  app.post("/example/flush", async () => {
    await served.telemetry.flush();
    return {};
  });
}

const isProbe = (headers: Readonly<Record<string, unknown>>): boolean =>
  headers["x-driftmend-probe"] !== undefined;

async function infer(
  { versions, telemetry, deps }: Served,
  body: unknown,
  wantedVersion: string | undefined,
  probe: boolean,
) {
  const request = InferRequest.parse(body);
  const startedMs = deps.clock.monotonicMs();
  const id = request.id ?? String(deps.random.next()).slice(2);
  const picked =
    wantedVersion === undefined
      ? versions.pick(id)
      : { version: wantedVersion, session: versions.session(wantedVersion) };
  if (picked.session === undefined) {
    throw new DriftmendError("not_found", {
      retry: "never",
      message: `Cannot infer with version "${picked.version}" as only ${versions.loaded().join(", ")} are loaded`,
    });
  }
  const columns = columnsOf(request);
  // The replay plants server errors through this parameter; see troubles.ts.
  const failing = request.parameters?.["example_fail"] === true;
  const scores = failing ? undefined : await runSession(picked.session, columns);
  if (!probe) {
    const latencySeconds = (deps.clock.monotonicMs() - startedMs) / 1000;
    const client = request.parameters?.["client.version"];
    for (let row = 0; row < columns.rows; row++) {
      telemetry.record({
        model: MODEL,
        version: picked.version,
        id: String(
          valueAt(columns, "prediction_id", row) ?? (columns.rows === 1 ? id : `${id}/${row}`),
        ),
        timeMs: Number(valueAt(columns, "event_time", row) ?? deps.clock.nowMs()),
        features: featuresOf(columns, row),
        clientVersion: client === undefined ? undefined : String(client),
        latencySeconds,
        outcome:
          scores === undefined ? { error: "internal" } : { score: scores[row] ?? Number.NaN },
      });
    }
  }
  if (scores === undefined) {
    throw new DriftmendError("unavailable", {
      retry: "later",
      message: "Cannot infer as the replay planted an error here",
    });
  }
  return {
    model_name: MODEL,
    model_version: picked.version,
    id,
    outputs: [{ name: "score", shape: [columns.rows], datatype: "FP32", data: Array.from(scores) }],
  };
}

const valueAt = (columns: Columns, name: string, row: number) => columns.byName.get(name)?.[row];

function featuresOf(columns: Columns, row: number): Record<string, number | string> {
  const features: Record<string, number | string> = {};
  for (const [name, values] of columns.byName) {
    const value = values[row];
    if (ROW_INPUTS.has(name) || value === undefined) continue;
    features[name] = typeof value === "boolean" ? Number(value) : value;
  }
  return features;
}

await runService({
  name: "flights-server",
  config: ServerConfig,
  start: async (config, deps) => {
    const versions = await openVersions(join(config.FLIGHTS_REPOSITORY, MODEL));
    const telemetry = createTelemetry({
      otlpUrl: config.OTEL_EXPORTER_OTLP_ENDPOINT,
      queueSizeMax: config.OTEL_BLRP_MAX_QUEUE_SIZE,
      batchSizeMax: config.OTEL_BLRP_MAX_EXPORT_BATCH_SIZE,
      scheduleDelayMs: config.OTEL_BLRP_SCHEDULE_DELAY,
    });
    deps.lifecycle.defer("telemetry of predictions", telemetry.shutdown);
    // The server stands for somebody else's: it is open on loopback, as such servers are.
    const http = createHttpServer(
      {
        host: config.DRIFTMEND_HOST,
        port: config.FLIGHTS_PORT,
        tokens: { token: undefined, readToken: undefined },
      },
      deps,
    );
    addRoutes(http, { versions, telemetry, deps });
    http.setReadiness(() => null);
    const url = await http.listen();
    deps.lifecycle.defer("http", () => http.close());
    return { url };
  },
});

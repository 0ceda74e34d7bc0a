/**
 * The flights end to end: prepared OTLP bodies and their labels to the agent, until every row is queryable and
 * counted by the rollups, beside the engine's own JSONEachRow insert of the same predictions through the same
 * endpoint. The machine is shared by all processes, load included.
 */
import { Agent, request } from "node:http";
import { z } from "zod";
import { systemClock } from "../runtime/clock.ts";
import { seededRandom } from "../runtime/random.ts";
import { count } from "../store/column-schemas.ts";
import { defineCommand, defineInsert, defineQuery } from "../store/define-query.ts";
import type { Figure } from "./figure.ts";
import { FLIGHTS_MODEL, type PreparedBody, prepareBodies } from "./pipeline/flight-bodies.ts";
import { PROCESSES, type SystemUnderLoad, startSystem } from "./pipeline/system-under-load.ts";

export interface PipelineBenchOptions {
  readonly warmUpMs: number;
  readonly loadMs: number;
  readonly rowsPerBody: number;
  readonly connections: number;
  readonly labels: boolean;
}

const DEFAULTS: PipelineBenchOptions = {
  warmUpMs: 8_000,
  loadMs: 20_000,
  rowsPerBody: 500,
  connections: 24,
  labels: true,
};
const BODIES = 48;
/** Share of the highest load under which the probes are seen. */
const PROBE_LOAD = 0.5;
const PROBE_PERIOD_MS = 200;
const POLL_MS = 25;
const BASELINE_ROWS = 100_000;
const BASELINE_ROUNDS = 6;

export async function run(options: Partial<PipelineBenchOptions> = {}): Promise<Figure[]> {
  const settings = { ...DEFAULTS, ...options };
  const bodies = prepareBodies(BODIES, settings.rowsPerBody, seededRandom(9));
  await using system = await startSystem();
  await describeModel(system);
  const numbers = { next: 1 };
  await sendFor(system, bodies, numbers, settings, settings.warmUpMs);
  const before = PROCESSES.map((name) => system.cpuMs(name));
  const begun = systemClock.monotonicMs();
  const sent = await sendFor(system, bodies, numbers, settings, settings.loadMs);
  await complete(system, (numbers.next - 1) * settings.rowsPerBody);
  const seconds = (systemClock.monotonicMs() - begun) / 1000;
  const cpu = PROCESSES.map((name, i) => (system.cpuMs(name) - (before[i] ?? 0)) / sent);
  const perSecond = sent / seconds;
  const paced = { ...settings, bodiesPerSecond: (PROBE_LOAD * perSecond) / settings.rowsPerBody };
  const stopProbes = startProbes(system);
  await sendFor(system, bodies, numbers, paced, settings.loadMs / 2);
  const visibleMs = await stopProbes();
  const baseline = await engineAlone(system, bodies);
  const alone = (metric: string, value: number, unit: string): Figure => {
    return { bench: "pipeline", metric, value, unit, ratio: null, against: null };
  };
  return [
    {
      ...alone("example_events_per_second", perSecond, "predictions/s, with their labels"),
      ratio: perSecond / baseline,
      against: "the engine's JSONEachRow insert of the predictions alone",
    },
    alone("engine_jsoneachrow_per_second", baseline, "predictions/s"),
    alone("visible_ms", percentile(visibleMs, 0.95), "ms, p95 at half of that load"),
    alone("visible_ms_p50", percentile(visibleMs, 0.5), "ms"),
    alone("cpu_us_per_event", 1000 * cpu.reduce((a, b) => a + b, 0), "CPU µs, all processes"),
    ...PROCESSES.map((name, i) =>
      alone(`cpu_us_per_event_${name}`, 1000 * (cpu[i] ?? 0), "CPU µs"),
    ),
    ...PROCESSES.map((name) => alone(`resident_${name}`, system.residentMib(name), "MiB")),
  ];
}

async function describeModel({ store }: SystemUnderLoad): Promise<void> {
  const document = {
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: FLIGHTS_MODEL },
    task: { type: "binary", positive: "late" },
    segments: ["client.version"],
    rollup: "1h",
  };
  const common = { model: FLIGHTS_MODEL, status: "active", by: "bench", detail: "" };
  const text = JSON.stringify(document);
  await store.insert("models", [{ ...common, document: text, updated: 0, revision: 1 }]);
  const grid = { model: FLIGHTS_MODEL, grid: 1, created: 0 };
  const numeric = (feature: string, center: number, scale: number) => {
    return { ...grid, feature, kind: "numeric", center, inv_scale: 1 / scale, categories: [] };
  };
  const airports = Array.from({ length: 200 }, (_, i) => `A${String(i).padStart(2, "0")}`);
  const categorical = (feature: string) => {
    const categories = airports;
    return { ...grid, feature, kind: "categorical", center: 0, inv_scale: 0, categories };
  };
  await store.insert("feature_grids", [
    numeric("hour", 12, 8),
    numeric("day", 3, 3),
    numeric("distance", 1300, 1200),
    categorical("origin"),
    categorical("destination"),
  ]);
}

interface Pacing extends PipelineBenchOptions {
  /** Absent: as fast as answers come. */
  readonly bodiesPerSecond?: number;
}

/** Closed loop over a fixed number of connections; answers the predictions that were accepted. */
async function sendFor(
  system: SystemUnderLoad,
  bodies: readonly PreparedBody[],
  numbers: { next: number },
  { connections, labels, bodiesPerSecond }: Pacing,
  durationMs: number,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const begunMs = systemClock.monotonicMs();
  const endMs = begunMs + durationMs;
  const free = [...bodies];
  let sent = 0;
  let bodiesSent = 0;
  const lane = async (): Promise<void> => {
    while (systemClock.monotonicMs() < endMs) {
      if (bodiesPerSecond !== undefined) {
        const dueMs = begunMs + (1000 * bodiesSent) / bodiesPerSecond;
        const earlyMs = dueMs - systemClock.monotonicMs();
        bodiesSent++;
        if (earlyMs > 0) await systemClock.sleep(earlyMs);
      }
      const body = free.shift();
      if (body === undefined) throw new RangeError("More connections than bodies");
      body.stamp(numbers.next++, systemClock.nowMs());
      await post(system.agentUrl, "/v1/logs", "application/x-protobuf", body.predictions, agent);
      if (labels) {
        await post(system.agentUrl, "/v1/labels", "application/x-ndjson", body.labels, agent);
      }
      sent += body.rows;
      free.push(body);
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
  agent.destroy();
  return sent;
}

function post(
  url: string,
  path: string,
  contentType: string,
  body: Buffer,
  agent: Agent,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": contentType, "content-length": body.length };
    const sending = request(`${url}${path}`, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${path} was answered with ${response.statusCode ?? 0}`));
      });
    });
    sending.once("error", reject);
    sending.end(body);
  });
}

const counted = defineQuery({
  name: "bench counted rows",
  params: z.object({ model: z.string() }),
  row: z.object({ n: count }),
  sql: "SELECT toInt64(sum(n)) AS n FROM feature_rollups WHERE grain = '1d' AND model = {model:String} AND segment_tag = '' AND feature = '$score'",
});

async function complete({ store }: SystemUnderLoad, rows: number): Promise<void> {
  for (;;) {
    const [row] = await store.query(counted, { model: FLIGHTS_MODEL });
    if ((row?.n ?? 0) >= rows) return;
    await systemClock.sleep(POLL_MS);
  }
}

/** One prediction after the other, each from its 2xx until a rollup counts it. */
function startProbes(system: SystemUnderLoad): () => Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const visible: number[] = [];
  let stopped = false;
  const probing = (async () => {
    for (let probe = 1; !stopped; probe++) {
      const time = new Date(systemClock.nowMs()).toISOString();
      const event = { model: "probe", id: `probe-${probe}`, time, score: 0.5 };
      const body = Buffer.from(`${JSON.stringify(event)}\n`);
      await post(system.agentUrl, "/v1/events", "application/x-ndjson", body, agent);
      const accepted = systemClock.monotonicMs();
      while (((await system.store.query(counted, { model: "probe" }))[0]?.n ?? 0) < probe) {
        await systemClock.sleep(POLL_MS);
      }
      visible.push(systemClock.monotonicMs() - accepted);
      await systemClock.sleep(PROBE_PERIOD_MS);
    }
  })();
  return async () => {
    stopped = true;
    await probing;
    agent.destroy();
    return visible;
  };
}

/** The engine's own way: JSON lines into a table like `predictions`, without rollups, tokens or labels. */
async function engineAlone(
  { store }: SystemUnderLoad,
  bodies: readonly PreparedBody[],
): Promise<number> {
  const params = z.object({});
  const table = defineCommand({
    name: "bench table",
    params,
    sql: "CREATE TABLE predictions_by_json AS predictions",
    repeatable: false,
  });
  await store.command(table, {});
  const insert = defineInsert({
    name: "bench json",
    params,
    sql: "INSERT INTO predictions_by_json (model, version, ts, id, num, cat, tags, label, score, value, latency, error) FORMAT JSONEachRow",
  });
  const lines = bodies.map(({ jsonLines }) => Buffer.from(jsonLines));
  const rowsPerBody = bodies[0]?.rows ?? 1;
  const perInsert = Math.ceil(BASELINE_ROWS / rowsPerBody);
  const pieces = Array.from({ length: perInsert }, (_, i) => lines[i % lines.length] ?? lines[0]!);
  const times: number[] = [];
  for (let round = 0; round < BASELINE_ROUNDS; round++) {
    const begun = systemClock.monotonicMs();
    await store.insertNative(insert, {}, pieces);
    times.push(systemClock.monotonicMs() - begun);
  }
  const steady = times.slice(1);
  const seconds = steady.reduce((a, b) => a + b, 0) / 1000;
  return (steady.length * perInsert * rowsPerBody) / seconds;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

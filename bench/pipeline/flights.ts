/**
 * The flights end to end: prepared OTLP bodies and their labels to the agent, until every row is queryable and
 * counted by the rollups; how soon a prediction is seen at half of that load; the engine's own insert beside it.
 */
import { Agent } from "node:http";
import { systemClock } from "../../runtime/clock.ts";
import { seededRandom } from "../../runtime/random.ts";
import type { Figure } from "../figure.ts";
import { percentile } from "../percentile.ts";
import { describeModel } from "./described-model.ts";
import { engineAlone } from "./engine-alone.ts";
import { FLIGHTS_MODEL, flightBodies } from "./flight-bodies.ts";
import { POLL_MS, countedRows, measure } from "./measure.ts";
import { httpSender, post, sendFor } from "./send.ts";
import { PROCESSES, type SystemUnderLoad, startSystem } from "./system-under-load.ts";

const BODIES = 48;
const ROWS_PER_BODY = 500;
const CONNECTIONS = 24;
const WARM_UP_MS = 8_000;
const LOAD_MS = 20_000;
/** Share of the highest load under which the probes are seen. */
const PROBE_LOAD = 0.5;
const PROBE_PERIOD_MS = 200;

export async function flightsEndToEnd(): Promise<Figure[]> {
  const bodies = flightBodies(BODIES, ROWS_PER_BODY, seededRandom(9));
  await using system = await startSystem();
  await describeFlights(system);
  using sender = httpSender(system.agentUrl, { connections: CONNECTIONS });
  const load = { bodies, connections: CONNECTIONS, numbers: { next: 1 }, send: sender.send };
  const times = { warmUpMs: WARM_UP_MS, loadMs: LOAD_MS };
  const measured = await measure(system, FLIGHTS_MODEL, load, times);
  const bodiesPerSecond = (PROBE_LOAD * measured.perSecond) / ROWS_PER_BODY;
  const stopProbes = startProbes(system);
  await sendFor({ ...load, bodiesPerSecond }, LOAD_MS / 2);
  const visibleMs = await stopProbes();
  const baseline = await engineAlone(system, bodies, "product");
  const alone = (metric: string, value: number, unit: string): Figure => {
    return { bench: "pipeline", metric, value, unit, ratio: null, against: null };
  };
  return [
    {
      ...alone("example_events_per_second", measured.perSecond, "predictions/s, with their labels"),
      ratio: measured.perSecond / baseline.perSecond,
      against: "the engine's JSONEachRow insert of the predictions alone",
    },
    alone("example_engine_jsoneachrow_per_second", baseline.perSecond, "predictions/s"),
    alone("visible_ms", percentile(visibleMs, 0.95), "ms, p95 at half of that load"),
    alone("visible_ms_p50", percentile(visibleMs, 0.5), "ms"),
    alone("example_cpu_us_per_event", measured.cpuUsTotal, "CPU µs, all processes"),
    ...PROCESSES.map((name) =>
      alone(`example_cpu_us_per_event_${name}`, measured.cpuUs[name], "CPU µs"),
    ),
  ];
}

function describeFlights({ store }: SystemUnderLoad): Promise<void> {
  const categories = Array.from({ length: 200 }, (_, i) => `A${String(i).padStart(2, "0")}`);
  return describeModel(store, {
    model: FLIGHTS_MODEL,
    rollup: "1h",
    segments: ["client.version"],
    numeric: [
      { feature: "hour", center: 12, scale: 8 },
      { feature: "day", center: 3, scale: 3 },
      { feature: "distance", center: 1300, scale: 1200 },
    ],
    categorical: ["origin", "destination"].map((feature) => ({ feature, categories })),
  });
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
      const headers = { "content-type": "application/x-ndjson" };
      await post(`${system.agentUrl}/v1/events`, headers, body, agent);
      const accepted = systemClock.monotonicMs();
      while ((await countedRows(system.store, "probe")) < probe) await systemClock.sleep(POLL_MS);
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

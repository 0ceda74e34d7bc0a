/** An hour of steady load on the whole system: what its processes hold at the end beside what they held before. */
import { seededRandom } from "../../runtime/random.ts";
import type { Figure } from "../figure.ts";
import { measure } from "../pipeline/measure.ts";
import { httpSender } from "../pipeline/send.ts";
import { PROCESSES, startSystem } from "../pipeline/system-under-load.ts";
import { WIDE_MODEL, describeWideModel, wideBodies } from "../pipeline/wide-bodies.ts";
import { watchMemory } from "./memory-watch.ts";

const HOUR_MS = 3_600_000;
const WIDTH = { numeric: 16, categorical: 4 };
const ROWS_PER_BODY = 100;
/** 5 000 events a second. */
const BODIES_PER_SECOND = 50;
const CONNECTIONS = 8;

export async function soak(durationMs = HOUR_MS): Promise<Figure[]> {
  await using system = await startSystem();
  await describeWideModel(system.store, WIDTH);
  const bodies = wideBodies(2 * CONNECTIONS, ROWS_PER_BODY, WIDTH, seededRandom(9));
  using sender = httpSender(system.agentUrl, { connections: CONNECTIONS });
  const load = {
    ...{ bodies, connections: CONNECTIONS, numbers: { next: 1 }, send: sender.send },
    bodiesPerSecond: BODIES_PER_SECOND,
  };
  const times = { warmUpMs: durationMs / 60, loadMs: durationMs };
  const running = measure(system, WIDE_MODEL, load, times);
  const { result, memory } = await watchMemory(system, running);
  const figure = (metric: string, value: number, unit: string): Figure => ({
    ...{ bench: "endurance", metric, value, unit, ratio: null, against: null },
  });
  return [
    figure("soak_events_stored", result.rows, `events in ${Math.round(durationMs / 60_000)} min`),
    figure("soak_cpu_us_per_event", result.cpuUsTotal, "CPU µs, all processes"),
    ...PROCESSES.map((name) => ({
      ...figure(`soak_resident_${name}`, memory[name].maxMib, "MiB at most"),
      ratio: memory[name].growth,
      against: "mean of the last quarter over that of the second",
    })),
  ];
}

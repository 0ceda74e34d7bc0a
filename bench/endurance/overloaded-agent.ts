/**
 * Ten times the connections that the system is fast with, each with the next request at once, for five minutes: what the
 * agent cannot take it refuses, and its memory stays bounded.
 */
import { Agent, request } from "node:http";
import { systemClock } from "../../runtime/clock.ts";
import { seededRandom } from "../../runtime/random.ts";
import type { Figure } from "../figure.ts";
import type { PreparedBody } from "../pipeline/prepared-body.ts";
import { startSystem } from "../pipeline/system-under-load.ts";
import { wideBodies } from "../pipeline/wide-bodies.ts";
import { watchMemory } from "./memory-watch.ts";

const WIDTH = { numeric: 16, categorical: 4 };
const ROWS_PER_BODY = 500;
const CONNECTIONS = 240;
const MINUTES = 5;

export async function overloadedAgent(durationMs = MINUTES * 60_000): Promise<Figure[]> {
  await using system = await startSystem();
  const bodies = wideBodies(CONNECTIONS, ROWS_PER_BODY, WIDTH, seededRandom(9));
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const answers = new Map<number, number>();
  const endMs = systemClock.monotonicMs() + durationMs;
  let number = 1;
  const lane = async (body: PreparedBody): Promise<void> => {
    while (systemClock.monotonicMs() < endMs) {
      body.stamp(number++, systemClock.nowMs());
      const status = await post(`${system.agentUrl}/v1/logs`, body.predictions, agent);
      answers.set(status, (answers.get(status) ?? 0) + 1);
    }
  };
  const running = Promise.all(bodies.map(lane));
  const { memory } = await watchMemory(system, running);
  agent.destroy();
  const of = (status: number): number => answers.get(status) ?? 0;
  const figure = (metric: string, value: number, unit: string): Figure => ({
    ...{ bench: "endurance", metric, value, unit, ratio: null, against: null },
  });
  const seconds = durationMs / 1000;
  return [
    figure("overload_taken_per_second", (of(200) * ROWS_PER_BODY) / seconds, "events/s"),
    figure("overload_requests_refused", of(503), "of 503"),
    figure(
      "overload_requests_failed",
      [...answers].reduce(
        (n, [status, count]) => n + (status === 200 || status === 503 ? 0 : count),
        0,
      ),
      "without such an answer",
    ),
    {
      ...figure("overload_resident_agent", memory.agent.maxMib, "MiB at most"),
      ratio: memory.agent.growth,
      against: "mean of the last quarter over that of the second",
    },
  ];
}

/** The status; 0 where there was no answer. */
function post(url: string, body: Buffer, agent: Agent): Promise<number> {
  const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
  return new Promise((resolve) => {
    const sending = request(url, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
      response.once("error", () => resolve(0));
    });
    sending.once("error", () => resolve(0));
    sending.end(body);
  });
}

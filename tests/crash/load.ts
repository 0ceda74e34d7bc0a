/**
 * Load as an exporter makes it: requests with predictions and, later, with their labels, each sent again byte
 * for byte until it is answered. What was answered must be stored, and once.
 */
import { systemClock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";

/** Rows that were answered with 2xx, and requests that were sent again. */
export interface Accepted {
  predictions: number;
  labels: number;
  resent: number;
  /** Requests that the model's server told of. */
  served: number;
}

export interface Load {
  readonly accepted: Accepted;
  /** Ends after the requests in flight are answered. */
  finish(): Promise<void>;
}

const MODEL = "under fire";
const LANES = 4;
const RETRY_MS = 50;

export function startLoad(urlOf: () => string, random: Random, rowsPerRequest: number): Load {
  const accepted = { predictions: 0, labels: 0, resent: 0, served: 0 };
  let stopped = false;
  const post = async (path: string, body: string, type = "application/x-ndjson"): Promise<void> => {
    for (;;) {
      try {
        const response = await fetch(urlOf() + path, {
          method: "POST",
          body,
          headers: { "content-type": type },
          signal: AbortSignal.timeout(10_000),
        });
        const answer = await response.text();
        if (response.ok) return;
        if (response.status < 429)
          throw new TypeError(`refused with ${response.status}: ${answer}`);
      } catch (error) {
        if (error instanceof TypeError && error.message.startsWith("refused")) throw error;
      }
      accepted.resent++;
      await systemClock.sleep(RETRY_MS);
    }
  };
  const lane = async (number: number): Promise<void> => {
    for (let request = 0; !stopped; request++) {
      const startMs = Date.now() - random.integer(3 * 3_600_000);
      const rows = Array.from({ length: rowsPerRequest }, (_, i) => ({
        id: `${number}-${request}-${i}`,
        at: new Date(startMs + i).toISOString(),
        score: random.integer(1000) / 1000,
        version: String(1 + random.integer(2)),
        client: `c${random.integer(5)}`,
        distance: random.integer(3000),
      }));
      const events = rows.map(({ id, at, score, version, client, distance }) =>
        JSON.stringify({
          model: MODEL,
          version,
          id,
          time: at,
          features: { distance, hour: distance % 24, origin: `A${distance % 11}` },
          score,
          tags: { client },
          latency: 0.01,
        }),
      );
      const labels = rows.map(({ id, at }) =>
        JSON.stringify({ model: MODEL, id, label: "late", prediction_time: at }),
      );
      const bodies = [
        ["/v1/events", events],
        ["/v1/labels", labels],
      ] as const;
      // Now and then the label is there before its prediction.
      for (const [path, lines] of random.next() < 0.2 ? bodies.toReversed() : bodies) {
        await post(path, `${lines.join("\n")}\n`);
        accepted[path === "/v1/events" ? "predictions" : "labels"] += rows.length;
      }
      const served = 1 + random.integer(1000);
      await post("/v1/metrics", servedOf(`lane ${number}`, request, served), "application/json");
      accepted.served += served;
    }
  };
  const lanes = Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
  return {
    accepted,
    finish: async () => {
      stopped = true;
      await lanes;
    },
  };
}

/** What the model's server says that it answered since the request before. */
function servedOf(instance: string, request: number, served: number): string {
  const point = {
    attributes: [{ key: "model_name", value: { stringValue: MODEL } }],
    timeUnixNano: `${Date.now()}${String(request).padStart(6, "0").slice(-6)}`,
    asInt: String(served),
  };
  const sum = { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point] };
  const attributes = [{ key: "service.instance.id", value: { stringValue: instance } }];
  const metrics = [{ name: "vllm:request_success", sum }];
  return JSON.stringify({
    resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics }] }],
  });
}

export const LOAD_MODEL = MODEL;

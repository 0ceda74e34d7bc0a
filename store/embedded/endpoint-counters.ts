/** What the endpoint counts of itself. */
import type { Metrics } from "../../runtime/metrics.ts";
import type { EndpointCounters } from "./endpoint-context.ts";
import type { EnginePool } from "./engine-pool.ts";

export function endpointCounters(metrics: Metrics, pool: EnginePool): EndpointCounters {
  const statements = metrics.counter("statements_total", "Statements by kind and account", [
    "kind",
    "role",
  ]);
  const failures = metrics.counter("failures_total", "Requests that failed, by exception", [
    "code",
  ]);
  const jobs = metrics.gauge("jobs", "Statements running and waiting by lane", ["lane", "state"]);
  const refresh = (): void => {
    for (const [lane, { running, waiting }] of Object.entries(pool.load())) {
      jobs.set({ lane, state: "running" }, running);
      jobs.set({ lane, state: "waiting" }, waiting);
    }
  };
  return {
    statement: (kind, role) => {
      statements.inc({ kind, role });
      refresh();
    },
    failure: (code) => failures.inc({ code }),
  };
}

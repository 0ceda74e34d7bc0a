/** Whether everything that was answered is stored, once, and rollups equal raw. */
import { z } from "zod";
import { systemClock } from "../../runtime/clock.ts";
import { count } from "../../store/column-schemas.ts";
import type { Store } from "../../store/client.ts";
import { defineQuery } from "../../store/define-query.ts";
import { rollupTiers } from "../../store/queries/rollups-from-raw.ts";
import { type Accepted, LOAD_MODEL } from "./load.ts";

export interface Verdict {
  readonly lost: number;
  readonly twice: number;
  readonly labelsLost: number;
  /** Requests that the model's server told of, less those that are stored; below 0 some are there twice. */
  readonly servedLost: number;
  readonly outcomesMissing: number;
  /** Cells of rollups that differ from raw. */
  readonly rollupDifferences: number;
  readonly deadLetters: number;
}

const SETTLE_MS_MAX = 120_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function numberOf(store: Store, sql: string): Promise<number> {
  const params = z.object({});
  const row = z.object({ n: count });
  const [first] = await store.query(defineQuery({ name: "crash test", params, row, sql }), {});
  return first?.n ?? 0;
}

const PREDICTIONS = "SELECT count() AS n FROM predictions";
const SERVED = "SELECT toInt64(sum(value)) AS n FROM server_metrics WHERE measure = 'requests'";
const OUTCOMES = "SELECT count() AS n FROM outcomes FINAL";

async function isAllStored(store: Store, accepted: Accepted): Promise<boolean> {
  const predictions = await numberOf(store, PREDICTIONS);
  const outcomes = await numberOf(store, OUTCOMES);
  const served = await numberOf(store, SERVED);
  return (
    predictions >= accepted.predictions && outcomes >= accepted.labels && served >= accepted.served
  );
}

/** Waits until everything is there; false when it is not in time. A store that does not answer yet is asked again. */
export async function settled(store: Store, accepted: Accepted): Promise<boolean> {
  let isAllThere = false;
  const endMs = performance.now() + SETTLE_MS_MAX;
  while (!isAllThere && performance.now() < endMs) {
    isAllThere = await isAllStored(store, accepted).catch(() => false);
    if (!isAllThere) await systemClock.sleep(250);
  }
  // The last group's rollups may still be on their way.
  await systemClock.sleep(2_000);
  return isAllThere;
}

export async function verify(store: Store, accepted: Accepted): Promise<Verdict> {
  const rows = await numberOf(store, PREDICTIONS);
  const ids = await numberOf(store, "SELECT uniqExact(id) AS n FROM predictions");
  const labels = await numberOf(store, "SELECT uniqExact(id) AS n FROM labels");
  const outcomes = await numberOf(store, OUTCOMES);
  const nowMs = Date.now();
  const span = {
    model: LOAD_MODEL,
    from: Math.floor((nowMs - DAY_MS) / DAY_MS) * DAY_MS,
    to: Math.ceil((nowMs + HOUR_MS) / DAY_MS) * DAY_MS,
  };
  let rollupDifferences = 0;
  for (const tier of ["minutes", "hours", "days"] as const) {
    const queries = rollupTiers[tier];
    for (const query of [queries.countFeatureDifferences, queries.countModelDifferences]) {
      rollupDifferences += (await store.query(query, span))[0]?.n ?? 0;
    }
  }
  return {
    lost: accepted.predictions - ids,
    twice: rows - ids,
    labelsLost: accepted.labels - labels,
    servedLost: accepted.served - (await numberOf(store, SERVED)),
    outcomesMissing: accepted.labels - outcomes,
    rollupDifferences,
    deadLetters: await numberOf(store, "SELECT count() AS n FROM dead_letters"),
  };
}

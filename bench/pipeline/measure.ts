/** One load after a warm-up, until all of it is counted by the rollups of the last tier, and what it cost each process. */
import { z } from "zod";
import { systemClock } from "../../runtime/clock.ts";
import { count } from "../../store/column-schemas.ts";
import { defineQuery } from "../../store/define-query.ts";
import type { Store } from "../../store/client.ts";
import { type Load, sendFor } from "./send.ts";
import { PROCESSES, type ProcessName, type SystemUnderLoad } from "./system-under-load.ts";

export const POLL_MS = 25;

export interface Measured {
  readonly rows: number;
  readonly perSecond: number;
  /** CPU µs per event, by process. */
  readonly cpuUs: Readonly<Record<ProcessName, number>>;
  readonly cpuUsTotal: number;
}

export async function measure(
  system: SystemUnderLoad,
  model: string,
  load: Load,
  { warmUpMs, loadMs }: { readonly warmUpMs: number; readonly loadMs: number },
): Promise<Measured> {
  const before = await countedRows(system.store, model);
  const warm = await sendFor(load, warmUpMs);
  await complete(system.store, model, before + warm);
  const cpuBefore = PROCESSES.map((name) => system.cpuMs(name));
  const begun = systemClock.monotonicMs();
  const rows = await sendFor(load, loadMs);
  await complete(system.store, model, before + warm + rows);
  const seconds = (systemClock.monotonicMs() - begun) / 1000;
  const cpu = PROCESSES.map((name, i) => {
    return [name, (1000 * (system.cpuMs(name) - (cpuBefore[i] ?? 0))) / rows] as const;
  });
  const cpuUs = Object.fromEntries(cpu) as Record<ProcessName, number>;
  const cpuUsTotal = cpu.reduce((sum, [, us]) => sum + us, 0);
  return { rows, perSecond: rows / seconds, cpuUs, cpuUsTotal };
}

const counted = defineQuery({
  name: "bench counted rows",
  params: z.object({ model: z.string() }),
  row: z.object({ n: count }),
  sql: "SELECT toInt64(sum(n)) AS n FROM feature_rollups WHERE grain = '1d' AND model = {model:String} AND segment_tag = '' AND feature = '$score'",
});

/** Predictions of the model that the rollups by day count. */
export async function countedRows(store: Store, model: string): Promise<number> {
  return (await store.query(counted, { model }))[0]?.n ?? 0;
}

async function complete(store: Store, model: string, rows: number): Promise<void> {
  while ((await countedRows(store, model)) < rows) await systemClock.sleep(POLL_MS);
}

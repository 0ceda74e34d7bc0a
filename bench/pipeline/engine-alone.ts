/** The engine's own way: JSON lines into a table like `predictions`, without rollups, tokens or labels. */
import { z } from "zod";
import { systemClock } from "../../runtime/clock.ts";
import { defineCommand, defineInsert } from "../../store/define-query.ts";
import type { PreparedBody } from "./prepared-body.ts";
import type { SystemUnderLoad } from "./system-under-load.ts";

const ROWS = 100_000;
const ROUNDS = 6;

/** `product`: columns as in `predictions`; `plain`: maps and strings without dictionaries. */
export type BaselineTable = "product" | "plain";

const PLAIN = `(model String, version String, ts DateTime64(3, 'UTC'), id String, num Map(String, Float64),
  cat Map(String, String), tags Map(String, String), label String, score Float64, value Float64, latency Float32,
  error String) ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY (model, ts)
  SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`;

export interface Baseline {
  readonly perSecond: number;
  /** CPU µs per event, of the store's process. */
  readonly cpuUs: number;
}

/** The first round is left out. */
export async function engineAlone(
  { store, cpuMs }: Pick<SystemUnderLoad, "store" | "cpuMs">,
  bodies: readonly PreparedBody[],
  kind: BaselineTable,
): Promise<Baseline> {
  const params = z.object({});
  const table = `predictions_by_json_${kind}`;
  const create = defineCommand({
    name: "bench table",
    params,
    sql: `CREATE TABLE ${table} ${kind === "product" ? "AS predictions" : PLAIN}`,
    repeatable: false,
  });
  await store.command(create, {});
  const insert = defineInsert({
    name: "bench json",
    params,
    sql: `INSERT INTO ${table} (model, version, ts, id, num, cat, tags, label, score, value, latency, error) FORMAT JSONEachRow`,
  });
  const lines = bodies.map(({ jsonLines }) => Buffer.from(jsonLines));
  const rowsPerBody = bodies[0]?.rows ?? 1;
  const perInsert = Math.ceil(ROWS / rowsPerBody);
  const pieces = Array.from({ length: perInsert }, (_, i) => lines[i % lines.length] ?? lines[0]!);
  await store.insertNative(insert, {}, pieces);
  const begun = systemClock.monotonicMs();
  const cpuBefore = cpuMs("store");
  for (let round = 1; round < ROUNDS; round++) await store.insertNative(insert, {}, pieces);
  const seconds = (systemClock.monotonicMs() - begun) / 1000;
  const rows = (ROUNDS - 1) * perInsert * rowsPerBody;
  const cpuUs = (1000 * (cpuMs("store") - cpuBefore)) / rows;
  const drop = defineCommand({
    name: "bench table away",
    params,
    sql: `DROP TABLE ${table} SYNC`,
    repeatable: true,
  });
  await store.command(drop, {});
  return { perSecond: rows / seconds, cpuUs };
}

/** A harness with some days of predictions, labels and outcomes in it, and archives of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { archive } from "../../../cli/commands/archive.ts";
import { erase } from "../../../cli/commands/erase.ts";
import { restore } from "../../../cli/commands/restore.ts";
import type { CommandContext } from "../../../cli/command-context.ts";
import type { PredictionRow } from "../../../contract/payload-blocks.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { type ArchivedTable, contentOfSpan } from "../../../store/queries/archive.ts";
import { rollupTiers } from "../../../store/queries/rollups-from-raw.ts";
import { archivedColumns } from "../../../cli/archive/write-archive.ts";
import type { FakeSpool } from "../../collector/fake-spool.ts";
import { type Harness, until } from "../../collector/harness.ts";

export const DAY_MS = 86_400_000;
export const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
export const dayName = (daysAgo: number): string =>
  new Date(today - daysAgo * DAY_MS).toISOString().slice(0, 10);

export function predictionsOf(model: string, daysAgo: number, rows: number): PredictionRow[] {
  return Array.from({ length: rows }, (_, i) => ({
    model,
    id: `${model}-${daysAgo}-${i}`,
    ts: today - daysAgo * DAY_MS + i * 60_000,
    num: { x: i / 3, ...(i % 5 === 0 ? { gap: Number.NaN } : {}) },
    cat: { origin: `A${i % 4}` },
    tags: { customer: `c${i % 10}` },
    ...(i % 7 === 0 ? {} : { score: i / rows }),
    probabilities: { yes: 0.25 },
    ...(i % 11 === 0 ? { error: "timeout" } : {}),
  }));
}

/** Days 6 and 5 ago with labels, then so many groups of today that no group of these days may be replayed. */
export async function fillDays(harness: Harness, model: string): Promise<FakeSpool> {
  const spool = harness.spool();
  const stored = async (content: Parameters<FakeSpool["send"]>[0]): Promise<void> => {
    const seq = await spool.send(content);
    await until(() => spool.storedThrough === seq, `frame ${seq} is stored`);
  };
  for (const day of [6, 5]) {
    const predictions = predictionsOf(model, day, 200);
    // A record that a request holds twice is two rows.
    await stored({ predictions: [...predictions, ...predictions.slice(0, 2)] });
    const labels = predictions.slice(0, 100).map(({ id, ts }, i) => ({
      model,
      id,
      label: i % 2 === 0 ? "yes" : "no",
      time: ts + 1_000,
      revision: 1,
      ...(i % 3 === 0 ? {} : { predictionTime: ts }),
    }));
    await stored({ labels });
  }
  for (let n = 0; n <= LIMITS.groupsVerified; n++) {
    const recent = predictionsOf(`${model}-recent`, 0, 1).map((row) => ({
      ...row,
      id: `recent-${n}`,
      ts: Date.now() - 1_000,
    }));
    await stored({ predictions: recent });
  }
  return spool;
}

export interface Ran {
  readonly code: number;
  /** What it printed with --json. */
  readonly answer: { readonly partitions: readonly Record<string, unknown>[] };
}

function environmentOf({ engine }: Harness): Record<string, string> {
  return {
    DRIFTMEND_CLICKHOUSE_URL: engine.url,
    DRIFTMEND_CLICKHOUSE_USER: engine.user,
    DRIFTMEND_CLICKHOUSE_PASSWORD: engine.password,
    DRIFTMEND_CLICKHOUSE_DATABASE: "driftmend",
  };
}

async function run(
  command: (context: CommandContext) => Promise<number>,
  harness: Harness,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<Ran> {
  const printed: string[] = [];
  const code = await command({
    args,
    options: { ...options, json: true },
    clock: systemClock,
    env: environmentOf(harness),
    paint: (_style, text) => text,
    columns: 100,
    typed: { program: "driftmend", option: "" },
    print: (line) => printed.push(line),
    note: () => undefined,
  });
  return { code, answer: JSON.parse(printed.join("\n")) as Ran["answer"] };
}

export const runArchive = (
  harness: Harness,
  to: string,
  options: Readonly<Record<string, unknown>>,
): Promise<Ran> => run(archive, harness, [], { to, ...options });

export const runErase = (
  harness: Harness,
  options: Readonly<Record<string, unknown>>,
): Promise<{ code: number; answer: object }> => run(erase, harness, [], options);

export const runRestore = (
  harness: Harness,
  folder: string,
  options: Readonly<Record<string, unknown>> = {},
): Promise<Ran> => run(restore, harness, [folder], options);

/** The command in a process of its own, killed after `killMs` where that is given; answers its exit code. */
export async function runProcess(
  harness: Harness,
  args: readonly string[],
  killMs?: number,
): Promise<number | null> {
  const main = resolve(import.meta.dirname, "../../../cli/main.ts");
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...environmentOf(harness) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exited = once(child, "exit");
  if (killMs !== undefined) {
    await Promise.race([systemClock.sleep(killMs), exited]);
    child.kill("SIGKILL");
  }
  await exited;
  return child.exitCode;
}

/** Rows and checksum of everything older than two days. */
export async function contentOf(
  { store }: Harness,
  table: ArchivedTable,
): Promise<{ rows: number; checksum: string }> {
  const columns = await archivedColumns(store, table);
  const span = { model: "", from: 0, to: today - 2 * DAY_MS };
  const [content] = await store.query(contentOfSpan(table, columns), span);
  return { rows: content?.rows ?? 0, checksum: content?.checksum ?? "" };
}

/** Cells of all tiers in which rollups differ from raw. */
export async function rollupDifferences({ store }: Harness, model: string): Promise<number> {
  const span = { model, from: today - 8 * DAY_MS, to: today + DAY_MS };
  let differences = 0;
  for (const tier of ["minutes", "hours", "days"] as const) {
    const queries = rollupTiers[tier];
    for (const query of [queries.countFeatureDifferences, queries.countModelDifferences]) {
      differences += (await store.query(query, span))[0]?.n ?? 0;
    }
  }
  return differences;
}

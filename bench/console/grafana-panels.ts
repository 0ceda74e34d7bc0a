/**
 * How long Grafana waits for each panel, variable and mark of the dashboards on a running system's data: every
 * statement one by one as the reading account, over the time ranges that people choose. Run it beside `npm start`.
 */
import { findSystem } from "../../cli/find-system.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { type Reader, askReader, moments } from "../../tests/grafana/support/ask-reader.ts";
import {
  type Asked,
  type Range,
  choicesOf,
  statementsOf,
} from "../../tests/grafana/support/asked.ts";
import { type Dashboard, committedDashboards } from "../../tests/grafana/support/statements.ts";
import type { Figure } from "../figure.ts";

const REPEATS = 7;
const DAY_MS = 86_400_000;
/** Days that a dashboard opens with. */
const OPENS_WITH: Readonly<Record<string, number>> = {
  "driftmend-fleet": 30,
  "driftmend-drift": 90,
  "driftmend-service": 14,
  "driftmend-pipeline": 0.25,
};

export async function grafanaPanels(): Promise<readonly Figure[]> {
  const reader = runningReader();
  const newest = await newestMoments(reader);
  const times: number[] = [];
  const slow = new Map<string, number>();
  let bare: number[] = [];
  for (const dashboard of committedDashboards()) {
    const toMs = dashboard.uid === "driftmend-pipeline" ? newest.wallMs : newest.modelMs;
    const range = { fromMs: toMs - (OPENS_WITH[dashboard.uid] ?? 14) * DAY_MS, toMs };
    for (const asked of await everyStatement(dashboard, range, reader)) {
      const own = await timesOf(reader, asked.sql);
      times.push(...own);
      slow.set(`${asked.dashboard}, ${asked.what} ${asked.name}`, quantile(own, 0.5));
    }
    bare = [...bare, ...(await timesOf(reader, "SELECT 1"))];
  }
  const [slowest = ["", Number.NaN]] = [...slow].toSorted(([, a], [, b]) => b - a);
  process.stderr.write(`The slowest by its median: ${slowest[0]}\n`);
  return [
    // Against a statement that reads nothing: what judging, queueing and HTTP take on the same machine.
    figure("grafana_panel_ms", quantile(times, 0.95), quantile(bare, 0.95)),
    figure("grafana_panel_median_ms", quantile(times, 0.5), quantile(bare, 0.5)),
    figure("grafana_slowest_panel_ms", slowest[1], quantile(bare, 0.5)),
  ];
}

function runningReader(): Reader {
  const found = findSystem(undefined, processEnvironment());
  if (found.kind !== "local") throw new Error("Start a system on this machine first: npm start");
  const { url, readUser: user, readPassword: password } = found.ready.clickhouse;
  return { url, user, password, database: "default" };
}

async function newestMoments(reader: Reader): Promise<{ modelMs: number; wallMs: number }> {
  const ofModels = await askReader(reader, "SELECT max(time) AS newest FROM model_hours");
  const ofGroups = await askReader(reader, "SELECT max(formed) AS newest FROM ingest_groups");
  return {
    modelMs: moments(ofModels, "newest")[0] ?? Number.NaN,
    wallMs: moments(ofGroups, "newest")[0] ?? Number.NaN,
  };
}

async function everyStatement(
  dashboard: Dashboard,
  range: Range,
  reader: Reader,
): Promise<Asked[]> {
  const lists: Asked[] = [];
  const see = (asked: Asked): number => lists.push(asked);
  const choices = await choicesOf(dashboard, range, reader, {}, see);
  return [...lists, ...statementsOf(dashboard, range, choices)];
}

async function timesOf(reader: Reader, sql: string): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const startedMs = systemClock.monotonicMs();
    await askReader(reader, sql);
    times.push(systemClock.monotonicMs() - startedMs);
  }
  return times;
}

function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN;
}

const figure = (metric: string, value: number, bare: number): Figure => ({
  bench: "console",
  metric,
  value,
  unit: "ms",
  ratio: value / bare,
  against: "SELECT 1",
});

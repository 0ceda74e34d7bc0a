/**
 * The page on a running system (its own data directory, or DRIFTMEND_URL and DRIFTMEND_TOKEN): how long a
 * person waits in Chromium, how long each view's requests take one by one, and what the script weighs.
 */
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { z } from "zod";
import { findSystem } from "../../cli/find-system.ts";
import { AlertView } from "../../contract/alert.ts";
import { ModelsView, RunsView } from "../../contract/views.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { findChromium } from "../../tests/browser/support/chromium.ts";
import type { Figure } from "../figure.ts";

const LOADS = 5;
const REQUESTS = 20;
const DAY_MS = 86_400_000;

interface System {
  readonly url: string;
  readonly token: string;
}

export async function pageOpened(): Promise<readonly Figure[]> {
  const found = findSystem(undefined, processEnvironment());
  const system: System =
    found.kind === "local"
      ? { url: found.ready.url, token: found.ready.token }
      : { url: found.url, token: found.token ?? "" };
  const { models } = ModelsView.parse(await ask(system, "/api/v1/models"));
  const model = models[0];
  if (model === undefined) throw new Error("The running system has seen no model yet");
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  const figures: Figure[] = [figure("script_gzip", scriptBytes() / 1000, "kB")];
  for (const [view, path, ready] of [
    ["fleet", "/", `a[href="/models/${encodeURIComponent(model.model)}"]`],
    ["model", `/models/${encodeURIComponent(model.model)}`, ".panel canvas"],
  ] as const) {
    const loads = [];
    for (let i = 0; i < LOADS; i++) loads.push(await load(browser, system, path, ready));
    figures.push(
      figure(`${view}_first_content`, median(loads.map(({ paintMs }) => paintMs)), "ms"),
      figure(`${view}_shows_data`, median(loads.map(({ readyMs }) => readyMs)), "ms"),
    );
  }
  await browser.close();
  for (const [view, paths] of await pathsOf(system, model.model, model.analyzed)) {
    const times = await timesOf(system, paths);
    figures.push(figure(`${view}_api_p95`, quantile(times, 0.95), "ms"));
  }
  return figures;
}

const figure = (metric: string, value: number, unit: string): Figure => ({
  ...{ bench: "console", metric, value, unit, ratio: null, against: null },
});

function scriptBytes(): number {
  const assets = resolve(import.meta.dirname, "../..", "console", "dist", "assets");
  const scripts = globSync("*.js", { cwd: assets });
  return scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0);
}

const Paint = z.object({ paintMs: z.number() });

/** With an empty cache each time: a new context. */
async function load(browser: Browser, { url, token }: System, path: string, ready: string) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const startedMs = systemClock.monotonicMs();
  await page.goto(`${url}${path}#token=${token}`);
  await page.locator(ready).first().waitFor();
  const readyMs = systemClock.monotonicMs() - startedMs;
  const { paintMs } = Paint.parse(
    await page.evaluate(
      "({ paintMs: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN })",
    ),
  );
  await context.close();
  return { readyMs, paintMs };
}

async function pathsOf(
  system: System,
  model: string,
  analyzed: string | null,
): Promise<readonly (readonly [string, readonly string[]])[]> {
  const api = `/api/v1/models/${encodeURIComponent(model)}`;
  const toMs = Math.floor(Date.parse(analyzed ?? "1970-01-01T00:00:00Z") / DAY_MS) * DAY_MS;
  const span = (days: number): string =>
    `from=${new Date(toMs - days * DAY_MS).toISOString()}&to=${new Date(toMs).toISOString()}`;
  const { alerts } = z
    .object({ alerts: z.array(AlertView) })
    .parse(await ask(system, "/api/v1/alerts"));
  const { runs } = RunsView.parse(await ask(system, "/api/v1/runs"));
  const alert = alerts[0] === undefined ? [] : [`/api/v1/alerts/${alerts[0].id}`];
  const run = runs[0] === undefined ? [] : [`/api/v1/runs/${runs[0].id}`];
  return [
    ["fleet", ["/api/v1/models"]],
    ["time_line", [`${api}/performance?scope=all-rows&grain=week&${span(91)}`]],
    ["year", [`${api}/performance?scope=all-rows&grain=day&${span(371)}`]],
    ["drift", [`${api}/drift?histograms&${span(7)}`]],
    ["segments", [`${api}/performance?scope=segments&grain=week&${span(21)}`]],
    ["operations", [`${api}/operations?${span(1)}`]],
    ["quality", [`${api}/quality?${span(1)}`]],
    ["alert", alert.flatMap((path) => [path, `${path}/rows?limit=25`])],
    ["run", run.flatMap((path) => [path, `${path}/canary`])],
  ];
}

async function timesOf(system: System, paths: readonly string[]): Promise<number[]> {
  const times = [];
  for (const path of paths) await ask(system, path);
  for (let i = 0; i < REQUESTS; i++) {
    for (const path of paths) {
      const startedMs = systemClock.monotonicMs();
      await ask(system, path);
      times.push(systemClock.monotonicMs() - startedMs);
    }
  }
  return times;
}

async function ask({ url, token }: System, path: string): Promise<unknown> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return response.json();
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

const median = (values: readonly number[]): number => quantile(values, 0.5);

import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { advance } from "../../../analyzer/advance.ts";
import { defaultDocument } from "../../../analyzer/documents/default-document.ts";
import { Evaluation } from "../../../analyzer/evaluation.ts";
import { EMPTY_MEMORY } from "../../../analyzer/memory.ts";
import type { OnboardingDocument } from "../../../contract/onboarding-document.ts";
import { defineCommand } from "../../../store/define-query.ts";
import {
  type AnalysisStage,
  deps,
  loadSpan,
  startAnalysisStage,
} from "../support/analysis-stage.ts";
import type { PastRow } from "../support/load-history.ts";
import { DAY_MS, START_MS, syntheticDay } from "../support/synthetic-traffic.ts";

const HOUR_MS = 3_600_000;
const at = (day: number): number => START_MS + day * DAY_MS;

let stage: AnalysisStage;
beforeAll(async () => {
  stage = await startAnalysisStage(20);
}, 240_000);
afterAll(() => stage[Symbol.asyncDispose]());

/** As the collector rolls up what has no grid yet. */
const countLatency = defineCommand({
  name: "test_latency_minutes",
  params: z.object({ model: z.string() }),
  repeatable: false,
  sql: `INSERT INTO feature_minutes
    SELECT model, '$latency', '', '', version, toDateTime64(toStartOfMinute(ts), 3, 'UTC') AS minute, 0,
      toInt16(bitShiftRight(reinterpretAsInt32(latency), 19)) AS at, '', toInt64(count()),
      sum(toFloat64(latency)), sum(toFloat64(latency) * latency)
    FROM predictions WHERE model = {model:String} AND error = '' GROUP BY model, version, minute, at`,
});

const load = (
  model: string,
  days: number,
  change: (rows: PastRow[]) => PastRow[],
  rowsPerDay = 4_000,
): Promise<void> =>
  loadSpan(stage.store, { model, tags: [] }, 0, days, (day) =>
    change(syntheticDay({ seed: 8, rowsPerDay }, day)),
  );

async function changes(model: string, service: object, fromDay: number, toDay: number) {
  const given = defaultDocument(model);
  const document: OnboardingDocument = { ...given, service: { ...given.service, ...service } };
  const context = { model, document, isDescribed: true, grids: new Map(), reference: null };
  const evaluation = new Evaluation(context, EMPTY_MEMORY);
  for (let day = fromDay; day < toDay; day++) {
    await advance(evaluation, at(day), at(day + 1), { ...deps, store: stage.store });
  }
  return evaluation.revisions.filter(({ notify }) => notify);
}

it("a p95 above the promise pages within minutes, from rollups as from raw rows", async () => {
  const slowMs = at(1) + 14 * HOUR_MS;
  await load(
    "slow",
    2,
    (rows) =>
      rows.map((row) => {
        const isSlow = row.ts >= slowMs && row.ts < slowMs + 2 * HOUR_MS;
        return { ...row, latency: isSlow ? 0.2 : 0.02 };
      }),
    20_000,
  );
  await stage.store.command(countLatency, { model: "slow" });
  const fine = await changes("slow", { latency_p95: 60 }, 0, 2);
  expect(fine.map(({ state, draft }) => [draft.kind, draft.severity, state])).toEqual([
    ["latency", "page", "firing"],
    ["latency", "page", "resolved"],
  ]);
  const [fired, over] = fine;
  // Not an hour later, when the last slow minute has left the longest span.
  expect(over!.atMs - (slowMs + 2 * HOUR_MS)).toBeLessThanOrEqual(30 * 60_000);
  expect(fired!.atMs - slowMs).toBeLessThanOrEqual(30 * 60_000);
  expect(fired!.fromMs).toBeGreaterThanOrEqual(slowMs);
  expect(fired!.draft.text).toMatch(/took longer than 60 ms/);
  const given = defaultDocument("slow");
  const document = {
    ...given,
    rollup: "1h" as const,
    service: { ...given.service, latency_p95: 60 },
  };
  const context = { model: "slow", document, isDescribed: true, grids: new Map(), reference: null };
  const raw = new Evaluation(context, EMPTY_MEMORY);
  for (const day of [0, 1])
    await advance(raw, at(day), at(day + 1), { ...deps, store: stage.store });
  const coarse = raw.revisions.filter(({ notify }) => notify);
  expect(coarse.map(({ atMs, state }) => [atMs, state])).toEqual(
    fine.map(({ atMs, state }) => [atMs, state]),
  );
  expect(await changes("slow", {}, 0, 2)).toEqual([]);
}, 240_000);

it("a tenth of the usual requests is a ticket, and a silence is not told twice", async () => {
  const lowMs = at(28) + 12 * HOUR_MS;
  const silentMs = at(25) + 9 * HOUR_MS;
  await load("thin", 29, (rows) =>
    rows.filter(
      (row, i) =>
        !(row.ts >= silentMs && row.ts < silentMs + 3.5 * HOUR_MS) &&
        (row.ts < lowMs || i % 10 === 0),
    ),
  );
  const told = await changes("thin", {}, 21, 29);
  expect(told.map(({ draft, state }) => [draft.kind, state])).toEqual([
    ["no-traffic", "firing"],
    ["no-traffic", "resolved"],
    ["volume", "firing"],
  ]);
  const fired = told[2];
  expect(fired?.draft.severity).toBe("ticket");
  expect((fired!.atMs - lowMs) / HOUR_MS).toBeLessThanOrEqual(5);
  expect(fired?.draft.title).toMatch(/% of the usual requests/);
  expect(await changes("thin", { volume: "off", no_traffic: "off" }, 21, 29)).toEqual([]);
}, 240_000);

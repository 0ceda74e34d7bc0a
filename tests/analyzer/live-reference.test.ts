import { afterAll, beforeAll, expect, it } from "vitest";
import { advance } from "../../analyzer/advance.ts";
import { defaultDocument } from "../../analyzer/documents/default-document.ts";
import { Evaluation } from "../../analyzer/evaluation.ts";
import { EMPTY_MEMORY } from "../../analyzer/memory.ts";
import { learnLiveGrids, learnLiveReference } from "../../analyzer/reference/learn-live.ts";
import { loadReference } from "../../analyzer/reference/load-reference.ts";
import { readGrids } from "../../analyzer/reference/store-grids.ts";
import { driftResults } from "../../store/queries/analysis-results.ts";
import {
  type AnalysisStage,
  deps,
  loadDays,
  loadSpan,
  startAnalysisStage,
} from "./support/analysis-stage.ts";
import { DAY_MS, MODEL, START_MS, syntheticDay } from "./support/synthetic-traffic.ts";

const ROWS_PER_DAY = 1_500;
const at = (day: number): number => START_MS + day * DAY_MS;

let stage: AnalysisStage;
beforeAll(async () => {
  stage = await startAnalysisStage(200);
}, 240_000);
afterAll(() => stage[Symbol.asyncDispose]());

it("a model without a document learns grids and a reference from its own first days", async () => {
  const { store } = stage;
  const own = { ...deps, store };
  const drifting = {
    seed: 3,
    rowsPerDay: ROWS_PER_DAY,
    // From the fourth week on there are longer routes: the world, since no unit explains it.
    routesFromDay: { day: 21, distances: [1_846, 2_475, 2_586, 4_243, 4_962] },
  };
  // The first day is counted before any grid is known, as a first day is.
  await loadDays(store, drifting, 0, 1);
  expect(await learnLiveGrids(MODEL, 999, own)).toBe(false);
  expect(await learnLiveGrids(MODEL, ROWS_PER_DAY, own)).toBe(true);
  await loadDays(store, drifting, 1, 28);
  expect(await learnLiveReference(MODEL, at(14), own)).toBe(false);
  expect(await learnLiveReference(MODEL, at(15), own)).toBe(true);
  const grids = await readGrids(MODEL, store);
  const reference = await loadReference(MODEL, grids, store);
  expect(reference).toMatchObject({
    name: "window/2026-03-03/2026-03-17",
    rows: 14 * ROWS_PER_DAY,
  });
  const document = defaultDocument(MODEL);
  const context = { model: MODEL, document, isDescribed: false, grids, reference };
  const evaluation = new Evaluation(context, EMPTY_MEMORY);
  for (let day = 15; day < 28; day++) {
    await advance(evaluation, at(day), at(day + 1), own);
  }
  const weeks = await store.query(driftResults, { model: MODEL, fromMs: at(0), toMs: at(28) });
  const verdict = (week: number): string | undefined =>
    weeks.find(({ from, feature }) => from === at(7 * week) && feature === "distance")?.verdict;
  expect([verdict(2), verdict(3)]).toEqual(["none", "drift"]);
  expect(evaluation.revisions.map(({ draft, state }) => [draft.kind, state])).toContainEqual([
    "drift",
    "firing",
  ]);
}, 240_000);

it("a model whose positive label nobody named raises no calibration alert over words for it", async () => {
  const { store } = stage;
  const model = "unnamed";
  await loadSpan(store, { model, tags: [] }, 0, 14, (day) =>
    syntheticDay({ seed: 4, rowsPerDay: 200 }, day).map((row) => ({
      ...row,
      actual: row.actual === "1" ? "late" : "early",
    })),
  );
  const given = defaultDocument(model);
  const named = { ...given, task: { ...given.task, positive: "1" } };
  const fired = [];
  for (const document of [given, named]) {
    const context = { model, document, isDescribed: true, grids: new Map(), reference: null };
    const evaluation = new Evaluation(context, EMPTY_MEMORY);
    await advance(evaluation, at(13), at(14), { ...deps, store });
    fired.push(evaluation.revisions.map(({ draft, state }) => `${draft.kind} ${state}`));
  }
  expect(fired).toEqual([[], ["calibration firing"]]);
}, 120_000);

import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { advance } from "../../../analyzer/advance.ts";
import { defaultDocument } from "../../../analyzer/documents/default-document.ts";
import { Evaluation } from "../../../analyzer/evaluation.ts";
import { EMPTY_MEMORY, lateDays } from "../../../analyzer/memory.ts";
import { lateSpans } from "../../../analyzer/stages/late-labels.ts";
import { windowName } from "../../../contract/window.ts";
import { defineCommand } from "../../../store/define-query.ts";
import { performanceResults } from "../../../store/queries/analysis-results.ts";
import {
  type AnalysisStage,
  deps,
  loadSpan,
  startAnalysisStage,
} from "../support/analysis-stage.ts";
import { DAY_MS, START_MS, syntheticDay } from "../support/synthetic-traffic.ts";

const MODEL = "late";
const ROWS_PER_DAY = 100;
const HOUR_MS = 3_600_000;
const at = (day: number): number => START_MS + day * DAY_MS;

let stage: AnalysisStage;
beforeAll(async () => {
  stage = await startAnalysisStage(20);
}, 240_000);
afterAll(() => stage[Symbol.asyncDispose]());

/** Labels of half a day are corrected, as a sender of labels would do it. */
const correctLabels = defineCommand({
  name: "test_correct_labels",
  params: z.object({ fromMs: z.int(), toMs: z.int(), knownMs: z.int() }),
  repeatable: false,
  sql: `INSERT INTO outcomes (model, ts, id, id_hash, version, tags, score, value, predicted,
      actual_label, actual_value, known, revision)
    SELECT model, ts, id, id_hash, version, tags, score, value, predicted, '1', actual_value,
      {knownMs:DateTime64(3, 'UTC')}, revision + 1
    FROM outcomes FINAL WHERE model = '${MODEL}'
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}`,
});

/** Labelled rows, log loss and revision of the windows that begin on the first day and are all rows. */
async function figures(days: number) {
  const span = { model: MODEL, fromMs: at(0), toMs: at(days) };
  const rows = await stage.store.query(performanceResults, span);
  const own = rows.filter(
    (row) =>
      row.from === at(0) &&
      row.to === at(days) &&
      row.metric === "log_loss" &&
      row.version === "" &&
      row.segment_tag === "",
  );
  return own.map(({ labelled, value, revision, replaces }) => ({
    ...{ labelled, value, revision, replaces },
  }))[0];
}

it("labels that come late or are corrected re-issue the closed week and fortnight, and tell nobody", async () => {
  const { store } = stage;
  await loadSpan(store, { model: MODEL, tags: [] }, 0, 21, (day) =>
    syntheticDay({ seed: 9, rowsPerDay: ROWS_PER_DAY }, day).map((row) => ({
      ...row,
      // The labels of one day come in the second week, known an hour after its third midnight.
      knownMs: day === 3 ? at(9) + HOUR_MS : row.ts + 1,
    })),
  );
  const context = { model: MODEL, document: defaultDocument(MODEL), isDescribed: false };
  const evaluation = new Evaluation(
    { ...context, grids: new Map(), reference: null },
    EMPTY_MEMORY,
  );
  const through = async (from: number, to: number): Promise<void> => {
    for (let day = from; day < to; day++) {
      await advance(evaluation, at(day), at(day + 1), { ...deps, store });
    }
  };
  await through(0, 9);
  expect(await figures(7)).toMatchObject({
    labelled: 6 * ROWS_PER_DAY,
    revision: at(7),
    replaces: 0,
  });
  await through(9, 10);
  const late = await figures(7);
  expect(late).toMatchObject({ labelled: 7 * ROWS_PER_DAY, revision: at(10), replaces: at(7) });
  await through(10, 15);
  // Nothing changed since: nothing is issued again.
  expect(await figures(7)).toEqual(late);
  const fortnight = await figures(14);
  expect(fortnight).toMatchObject({ labelled: 14 * ROWS_PER_DAY, revision: at(14) });
  await store.command(correctLabels, {
    ...{ fromMs: at(12), toMs: at(12) + 12 * HOUR_MS, knownMs: at(15) + HOUR_MS },
  });
  await through(15, 17);
  const corrected = await figures(14);
  expect(corrected).toMatchObject({ revision: at(16), replaces: at(14) });
  expect(corrected?.labelled).toBe(14 * ROWS_PER_DAY);
  expect(corrected?.value).not.toBe(fortnight?.value);
  expect(await figures(7)).toEqual(late);
  // What the fortnight showed when it closed is told once, and not again by its re-issues.
  expect(evaluation.revisions.map(({ draft, atMs }) => [draft.kind, atMs])).toEqual([
    ["calibration", at(14)],
  ]);
}, 240_000);

/** As the collector notes predictions whose outcome is never seen. */
const censorSpan = defineCommand({
  name: "test_censor",
  params: z.object({ fromMs: z.int(), toMs: z.int() }),
  repeatable: false,
  sql: `INSERT INTO outcomes (model, ts, id, id_hash, version, tags, score, value, predicted,
      actual_label, actual_value, known, revision, censored)
    SELECT model, ts, id, id_hash, version, tags, score, value, predicted, '', nan, ts, 0, 1
    FROM outcomes FINAL WHERE model = 'censored'
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}`,
});

it("predictions whose outcome is never seen are counted, and neither scored nor waited for", async () => {
  const { store } = stage;
  const model = "censored";
  await loadSpan(store, { model, tags: [] }, 0, 7, (day) =>
    syntheticDay({ seed: 9, rowsPerDay: ROWS_PER_DAY }, day).map((row) => ({
      ...row,
      knownMs: row.ts + 1,
    })),
  );
  await store.command(censorSpan, { fromMs: at(2), toMs: at(4) });
  const context = { model, document: defaultDocument(model), isDescribed: false };
  const evaluation = new Evaluation(
    { ...context, grids: new Map(), reference: null },
    EMPTY_MEMORY,
  );
  for (let day = 0; day < 7; day++) {
    await advance(evaluation, at(day), at(day + 1), { ...deps, store });
  }
  const rows = await store.query(performanceResults, { model, fromMs: at(0), toMs: at(7) });
  const week = rows.find(
    ({ metric, version, from, to }) =>
      metric === "coverage" && version === "" && from === at(0) && to === at(7),
  );
  expect(week).toMatchObject({
    ...{ n: 7 * ROWS_PER_DAY, censored: 2 * ROWS_PER_DAY, labelled: 5 * ROWS_PER_DAY, value: 1 },
  });
}, 120_000);

it("days are watched for labels as long as the document says that they take, and two weeks more", () => {
  const days = { d1: 86_400_000, d45: 45 * 86_400_000 };
  expect(lateDays({ expected_within: days.d1 })).toBe(35);
  expect(lateDays({ expected_within: days.d1, negative_after: days.d45 })).toBe(59);
  expect(lateDays({ expected_within: 2 * days.d45 })).toBe(104);
});

it("a late day belongs to its week and to two fortnights, once they have closed", () => {
  const names = (throughMs: number) =>
    lateSpans([at(3), at(4)], throughMs).map((windows) => windows.map(windowName));
  expect(names(at(7))).toEqual([]);
  expect(names(at(8))).toEqual([["week-2026-03-02", "fortnight-2026-02-23"]]);
  expect(names(at(15))).toEqual([
    ["week-2026-03-02", "fortnight-2026-02-23"],
    ["fortnight-2026-03-02"],
  ]);
});

import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { advance } from "../../../analyzer/advance.ts";
import { defaultDocument } from "../../../analyzer/documents/default-document.ts";
import { Evaluation } from "../../../analyzer/evaluation.ts";
import { EMPTY_MEMORY } from "../../../analyzer/memory.ts";
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
  return own.map(({ labelled, value, revision }) => ({ labelled, value, revision }))[0];
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
  expect(await figures(7)).toMatchObject({ labelled: 6 * ROWS_PER_DAY, revision: at(7) });
  await through(9, 10);
  const late = await figures(7);
  expect(late).toMatchObject({ labelled: 7 * ROWS_PER_DAY, revision: at(10) });
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
  expect(corrected).toMatchObject({ labelled: 14 * ROWS_PER_DAY, revision: at(16) });
  expect(corrected?.value).not.toBe(fortnight?.value);
  expect(await figures(7)).toEqual(late);
  // What the fortnight showed when it closed is told once, and not again by its re-issues.
  expect(evaluation.revisions.map(({ draft, atMs }) => [draft.kind, atMs])).toEqual([
    ["calibration", at(14)],
  ]);
}, 240_000);

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

import { afterAll, beforeAll, expect, it } from "vitest";
import { advance } from "../../../analyzer/advance.ts";
import { defaultDocument } from "../../../analyzer/documents/default-document.ts";
import { Evaluation, emptyReadAhead } from "../../../analyzer/evaluation.ts";
import { EMPTY_MEMORY } from "../../../analyzer/memory.ts";
import {
  type AnalysisStage,
  deps,
  loadSpan,
  startAnalysisStage,
} from "../support/analysis-stage.ts";
import { DAY_MS, START_MS, syntheticDay } from "../support/synthetic-traffic.ts";

const ROWS_PER_DAY = 4_000;
const MODEL = "two-percent";
const HOUR_MS = 3_600_000;
const at = (day: number): number => START_MS + day * DAY_MS;
/** Ten per cent for three hours of the last day. */
const CHANGE_MS = at(7) + 18 * HOUR_MS;

let stage: AnalysisStage;
beforeAll(async () => {
  stage = await startAnalysisStage(20);
}, 240_000);
afterAll(() => stage[Symbol.asyncDispose]());

it("an undescribed model that steadily fails 2 % pages for a change only, a described one for its promise", async () => {
  const { store } = stage;
  const usual = { fromMs: at(0), toMs: at(8), share: 0.02 };
  const errors = { fromMs: CHANGE_MS, toMs: CHANGE_MS + 3 * HOUR_MS, share: 0.1 };
  await loadSpan(store, { model: MODEL, tags: [] }, 0, 8, (day) => {
    const changed = syntheticDay({ seed: 5, rowsPerDay: ROWS_PER_DAY, errors }, day);
    return syntheticDay({ seed: 5, rowsPerDay: ROWS_PER_DAY, errors: usual }, day).map((row, i) =>
      row.ts < CHANGE_MS ? row : (changed[i] ?? row),
    );
  });
  const fired = async (isDescribed: boolean) => {
    const document = defaultDocument(MODEL);
    const context = { model: MODEL, document, isDescribed, grids: new Map(), reference: null };
    const evaluation = new Evaluation(context, EMPTY_MEMORY);
    for (let day = 4; day < 8; day++) {
      await advance(evaluation, at(day), at(day + 1), { ...deps, store });
    }
    return evaluation.revisions.filter(
      ({ state, draft }) => state === "firing" && draft.kind === "error-share",
    );
  };
  const undescribed = await fired(false);
  expect(undescribed.map(({ atMs }) => atMs > CHANGE_MS)).toEqual([true]);
  expect(undescribed[0]?.draft.text).toContain("the model has no document");
  const described = await fired(true);
  expect(described[0]?.atMs).toBeLessThan(CHANGE_MS);
  expect(described[0]?.draft.text).not.toContain("no document");
}, 240_000);

it("silence counts from when agents listen, not from before an absence of Driftmend itself", async () => {
  const { store } = stage;
  const model = "absent";
  // Two past weeks say what is usual.
  const silence = { fromMs: at(15) + 14 * HOUR_MS, toMs: at(16) };
  await loadSpan(store, { model, tags: [] }, 0, 16, (day) =>
    syntheticDay({ seed: 6, rowsPerDay: 2_000, silence }, day),
  );
  const given = defaultDocument(model);
  const backMs = at(15) + 17 * HOUR_MS;
  const saidMs = async (listeningSinceMs: number | null, lateness = 0) => {
    const document = { ...given, labels: { ...given.labels, lateness } };
    const context = { model, document, isDescribed: true, grids: new Map(), reference: null };
    const evaluation = new Evaluation(context, EMPTY_MEMORY, emptyReadAhead(), listeningSinceMs);
    await advance(evaluation, at(15), at(15) + 18 * HOUR_MS + lateness, { ...deps, store });
    const fired = evaluation.revisions.filter(({ state }) => state === "firing");
    return fired.map(({ atMs }) => atMs);
  };
  const [always, back, never] = [await saidMs(0), await saidMs(backMs), await saidMs(null)];
  expect(always).toHaveLength(1);
  expect(always[0]).toBeLessThan(silence.fromMs + HOUR_MS);
  // It is still silent after the absence: told again after as long a silence as before.
  expect(back).toHaveLength(1);
  expect(back[0]! - backMs).toBeGreaterThanOrEqual(2 * 5 * 60_000);
  expect(never).toEqual([]);
  // Where events may come an hour late, the same is said of the same silence once they had their hour.
  expect(await saidMs(0, HOUR_MS)).toEqual(always);
}, 240_000);

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
import { trafficBuckets } from "../../../store/queries/model-traffic.ts";
import type { PastRow } from "../support/load-history.ts";
import { seededRandom } from "../../../runtime/random.ts";
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

it("a model that is sampled, its failures kept, is judged by what its rows stand for", async () => {
  const { store } = stage;
  const model = "sampled";
  const random = seededRandom(11);
  const usual = { fromMs: at(0), toMs: at(16), share: 0.02 };
  const errors = { fromMs: CHANGE_MS + 8 * DAY_MS, toMs: at(16), share: 0.12 };
  // All of the first week is stored, of the second a tenth and every failure.
  const thinned = (rows: readonly PastRow[]): PastRow[] =>
    rows.flatMap((row) => {
      if (row.ts < at(8) || row.error !== undefined) return [row];
      return random.next() < 0.1 ? [{ ...row, weight: 10 }] : [];
    });
  await loadSpan(store, { model, tags: [] }, 0, 16, (day) => {
    const changed = syntheticDay({ seed: 9, rowsPerDay: 3_000, errors }, day);
    return thinned(
      syntheticDay({ seed: 9, rowsPerDay: 3_000, errors: usual }, day).map((row, i) =>
        row.ts < errors.fromMs ? row : (changed[i] ?? row),
      ),
    );
  });
  const document = { ...defaultDocument(model) };
  document.service = { ...document.service, error_rate: 0.03 };
  const context = { model, document, isDescribed: true, grids: new Map(), reference: null };
  const evaluation = new Evaluation(context, EMPTY_MEMORY, emptyReadAhead(), 0);
  for (let day = 8; day < 16; day++) {
    await advance(evaluation, at(day), at(day + 1), { ...deps, store });
  }
  // 2 % of what came is 17 % of what is stored; and a tenth of the rows is no tenth of the requests.
  const service = new Set(["error-share", "no-traffic", "volume"]);
  const fired = evaluation.revisions.filter(
    ({ state, draft }) => state === "firing" && service.has(draft.kind),
  );
  expect(fired.map(({ draft, atMs }) => [draft.kind, atMs > errors.fromMs])).toEqual([
    ["error-share", true],
  ]);
  expect(fired[0]?.atMs).toBeGreaterThan(errors.fromMs);
  expect(fired[0]?.draft.text).toMatch(/^about \d+ of \d+ requests \(stored: \d+ of \d+\) failed/);
  expect(evaluation.memory.keptShare).toBeLessThan(0.3);
  // What operations shows of a day of which a tenth is stored, from every tier.
  for (const tier of ["minutes", "hours", "days"] as const) {
    const span = { model, fromMs: at(12), toMs: at(13), seconds: 86_400 };
    const [day] = await store.query(trafficBuckets[tier], span);
    expect(day?.n).toBeLessThan(600);
    expect(Math.abs((day?.requests ?? 0) / 3_000 - 1)).toBeLessThan(0.2);
    expect(day?.failed).toBe(day?.errors);
    expect(day?.latency_n).toBe(day?.requests);
    expect((day?.latency_s ?? 0) / (day?.latency_n ?? 1)).toBeCloseTo(0.005, 6);
  }
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

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { advance } from "../../analyzer/advance.ts";
import type { AlertRevision } from "../../analyzer/alerts/alert-book.ts";
import { Evaluation } from "../../analyzer/evaluation.ts";
import { EMPTY_MEMORY, Memory } from "../../analyzer/memory.ts";
import { learnTrainingSet } from "../../analyzer/reference/learn-training-set.ts";
import { loadReference } from "../../analyzer/reference/load-reference.ts";
import { readGrids } from "../../analyzer/reference/store-grids.ts";
import { defineCommand } from "../../store/define-query.ts";
import { driftResults, performanceResults } from "../../store/queries/analysis-results.ts";
import { quarantineEntries } from "../../store/queries/analyzer-state.ts";
import {
  type AnalysisStage,
  deps,
  loadDays,
  startAnalysisStage,
} from "./support/analysis-stage.ts";
import { DAY_MS, MODEL, START_MS, type TrafficPlan } from "./support/synthetic-traffic.ts";

const ROWS_PER_DAY = 3_000;
const HOUR_MS = 3_600_000;
/** Five weeks from the fourth on: the first three are the training set's. */
const FIRST_DAY = 21;
const LAST_DAY = 56;
const at = (day: number, hour = 0): number => START_MS + day * DAY_MS + hour * HOUR_MS;

const plan: TrafficPlan = {
  seed: 2,
  rowsPerDay: ROWS_PER_DAY,
  breaks: [
    {
      fromDay: 42,
      toDay: 47,
      clients: ["c2", "c7"],
      distanceFactor: 1.609344,
      hourShift: "utc",
    },
  ],
  errors: { fromMs: at(37, 14), toMs: at(37, 16), share: 0.1 },
  silence: { fromMs: at(51, 18), toMs: at(51, 19) },
};

let stage: AnalysisStage;
beforeAll(async () => {
  stage = await startAnalysisStage(ROWS_PER_DAY);
  await learnTrainingSet(stage.document, stage.trainingSet, { ...deps, store: stage.store });
  await loadDays(stage.store, plan, FIRST_DAY, LAST_DAY);
}, 240_000);
afterAll(() => stage[Symbol.asyncDispose]());

/** Evaluates all days in calls that end at `cuts`, a restart before each that is marked. */
async function evaluate(cuts: readonly { readonly ms: number; readonly restart: boolean }[]) {
  const { store, document } = stage;
  await forgetResults();
  const grids = await readGrids(MODEL, store);
  const reference = await loadReference(MODEL, grids, store);
  const begin = (memory: Memory): Evaluation =>
    new Evaluation({ model: MODEL, document, isDescribed: true, grids, reference }, memory);
  let evaluation = begin(EMPTY_MEMORY);
  const revisions: AlertRevision[] = [];
  let throughMs = at(FIRST_DAY);
  for (const { ms, restart } of cuts) {
    if (restart) evaluation = begin(Memory.parse(JSON.parse(JSON.stringify(evaluation.memory))));
    while (throughMs < ms) {
      throughMs = await advance(evaluation, throughMs, ms, { ...deps, store });
      revisions.push(...evaluation.revisions.splice(0));
    }
  }
  const span = { model: MODEL, fromMs: at(0), toMs: at(LAST_DAY) };
  return {
    revisions,
    drift: await store.query(driftResults, span),
    performance: await store.query(performanceResults, span),
    quarantine: await store.query(quarantineEntries, { model: MODEL, id: "" }),
  };
}

async function forgetResults(): Promise<void> {
  for (const table of ["drift_results", "performance_results", "quarantine"]) {
    const sql = `TRUNCATE TABLE ${table}`;
    const params = z.object({});
    await stage.store.command(defineCommand({ name: "forget", params, sql, repeatable: true }), {});
  }
}

const daily = Array.from({ length: LAST_DAY - FIRST_DAY }, (_, i) => ({
  ms: at(FIRST_DAY + i + 1),
  restart: false,
}));
const ragged = Array.from({ length: 3 * (LAST_DAY - FIRST_DAY) }, (_, i) => ({
  ms: Math.min(at(LAST_DAY), at(FIRST_DAY) + i * 8 * HOUR_MS + (i % 7) * 1_234_567),
  restart: i % 11 === 0,
})).concat({ ms: at(LAST_DAY), restart: true });

describe("five weeks with a data break, an hour of errors and a silence", () => {
  let whole: Awaited<ReturnType<typeof evaluate>>;
  beforeAll(async () => {
    whole = await evaluate(daily);
  }, 240_000);

  it("alerts about these three and nothing else", () => {
    const fired = whole.revisions.filter(({ state }) => state === "firing");
    const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS) * HOUR_MS;
    expect(
      fired.map(({ draft, fromMs }) => [draft.kind, draft.severity, hourOf(fromMs)]).toSorted(),
    ).toEqual([
      ["data-break", "ticket", at(42)],
      ["error-share", "page", at(37, 14)],
      ["no-traffic", "page", at(51, 18)],
    ]);
    const over = whole.revisions.filter(({ state, firedMs }) => state === "resolved" && firedMs);
    expect(over).toHaveLength(3);
  });

  it("names the break, counts its rows and closes it after two clean days", () => {
    expect(whole.quarantine).toHaveLength(1);
    const [entry] = whole.quarantine;
    expect(entry).toMatchObject({ tag: "client", values: ["c2", "c7"], from: at(42), to: at(47) });
    const finding = z
      .looseObject({ columns: z.array(z.string()), factor: z.number(), shift: z.unknown() })
      .parse(entry?.finding);
    expect(finding.columns).toEqual(["distance", "hour"]);
    expect(finding.factor).toBeCloseTo(1.609344, 2);
    expect(finding.shift).toMatchObject({ median: 6, min: 5, max: 8, by: "place" });
    expect(entry?.rows).toBeGreaterThan(0.18 * 5 * ROWS_PER_DAY);
    expect(entry?.rows).toBeLessThan(0.22 * 5 * ROWS_PER_DAY);
  });

  it("judges drift of every feature and client each week and finds none", () => {
    const weeks = new Set(whole.drift.map(({ to }) => to));
    expect(weeks.size).toBe((LAST_DAY - FIRST_DAY) / 7);
    expect(whole.drift.filter(({ verdict }) => verdict === "drift")).toEqual([]);
    // Two broken clients are left out of the week in which they were.
    expect(whole.drift).toHaveLength(weeks.size * 4 * 11 - 2 * 4);
  });

  it("computes metrics with intervals clustered by day, and their label coverage", () => {
    const week = whole.performance.filter(
      (row) => row.to - row.from === 7 * DAY_MS && row.segment_tag === "" && row.version === "",
    );
    const metrics = new Set(week.map(({ metric }) => metric));
    expect([...metrics].toSorted()).toEqual([
      "accuracy",
      "auc",
      "brier",
      "calibration",
      "coverage",
      "log_loss",
      "skill",
    ]);
    for (const row of week.filter(({ metric }) => metric === "log_loss")) {
      expect(row.blocks).toBe(7);
      expect(row.lower).toBeLessThan(row.value);
      expect(row.upper).toBeGreaterThan(row.value);
    }
    const coverages = week.filter(({ metric }) => metric === "coverage").map(({ value }) => value);
    // Labels come two hours after the prediction: a week lacks those of its last hours when it closes,
    // and is issued again when they are there.
    expect(coverages.slice(0, -1)).toEqual([1, 1, 1, 1]);
    const coverage = coverages.at(-1);
    expect(coverage).toBeGreaterThan(0.97);
    expect(coverage).toBeLessThan(1);
  });

  it("gives the same results however announcements are cut and whenever it restarts", async () => {
    expect(await evaluate(ragged)).toEqual(whole);
  }, 240_000);
});

/**
 * The drift of one closed week: every feature, all rows and per declared segment, without the rows that
 * are quarantined; and the scores of the serving version against its own training set.
 */
import type { AlertDraft } from "../alerts/alert-book.ts";
import { WEEK_MS, type Window, windowName } from "../../contract/window.ts";
import { trafficDays } from "../../store/queries/model-traffic.ts";
import { type JudgedDrift, drifted, judgeDrift } from "../drift/judge-drift.ts";
import { withLiveEffects } from "./live-effects.ts";
import { judgeScores } from "./score-drift.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import {
  ALL_ROWS,
  type FeatureWindow,
  type WindowSet,
  segmentKey,
  subtractWindows,
} from "../features/feature-window.ts";
import { END_MS } from "../memory.ts";
import { readSpan } from "../features/read-span.ts";
import type { ModelReference } from "../reference/load-reference.ts";
import { type DriftRow, storeDriftResults } from "../results/store-drift-results.ts";
import { pValueText } from "../alerts/p-value-text.ts";

/**
 * Days of a week that had requests, given those of it and of the week before. Null for a week in whose
 * midst they began: it is another mixture of days than a reference's, which is no drift.
 */
export function daysJudged(days: readonly number[], week: Window): number | null {
  const inside = new Set(days.filter((day) => day >= week.fromMs));
  const began = days.length > 0 && Math.min(...days) > week.fromMs;
  return inside.size === 0 || began ? null : inside.size;
}

/** @param atMs model time of the evaluation; later than the window's end when late rows re-issue it */
export async function evaluateDrift(
  evaluation: Evaluation,
  reference: ModelReference,
  window: Window,
  atMs: number,
  deps: StageDeps,
): Promise<void> {
  const { model } = evaluation.context;
  const traffic = await deps.store.query(trafficDays, {
    ...{ model, fromMs: window.fromMs - WEEK_MS, toMs: window.toMs },
  });
  const days = daysJudged(
    traffic.map(({ day }) => day),
    window,
  );
  if (days === null) return;
  const windows = await soundWindows(evaluation, window, deps);
  const references = await withLiveEffects(evaluation, reference.features, window, deps);
  const judged = judgeDrift(references, windows, days);
  const rows: DriftRow[] = judged.map((entry) => ({
    ...entry,
    kind: "feature",
    version: "",
    reference: reference.name,
  }));
  const scores = await judgeScores(evaluation, window, deps);
  await storeDriftResults(model, window, atMs, [...rows, ...scores], deps);
  if (atMs > window.toMs) return;
  for (const feature of new Set(judged.map((entry) => entry.feature))) {
    const own = judged.filter((entry) => entry.feature === feature);
    observeFeature(evaluation, feature, own, window);
  }
  for (const entry of scores) observeScores(evaluation, entry, window);
}

/**
 * The window's inputs without quarantined rows: they are taken off all rows, and a segment that was broken
 * in a part of the window is left out whole, since the rest of it would be other days than the reference's.
 */
export async function soundWindows(
  evaluation: Evaluation,
  window: Window,
  deps: StageDeps,
): Promise<WindowSet> {
  const { model, grids, document } = evaluation.context;
  const read = (fromMs: number, toMs: number, tags: readonly string[]): Promise<WindowSet> =>
    readSpan({ model, fromMs, toMs, tags, version: "" }, grids, deps.store);
  let windows = await read(window.fromMs, window.toMs, ["", ...document.segments]);
  for (const entry of evaluation.memory.quarantined) {
    const fromMs = Math.max(window.fromMs, entry.fromMs);
    const toMs = Math.min(window.toMs, entry.toMs ?? END_MS);
    if (fromMs >= toMs) continue;
    if (entry.tag === "") return new Map();
    const keys = entry.values.map((value) => segmentKey(entry.tag, value));
    windows = without(windows, await read(fromMs, toMs, [entry.tag]), keys);
  }
  return windows;
}

function without(from: WindowSet, out: WindowSet, keys: readonly string[]): WindowSet {
  return new Map(
    [...from].map(([feature, segments]) => {
      const left = new Map<string, FeatureWindow>(segments);
      const all = left.get(ALL_ROWS);
      const broken = keys.flatMap((key) => out.get(feature)?.get(key) ?? []);
      if (all !== undefined) left.set(ALL_ROWS, subtractWindows(all, broken));
      for (const key of keys) left.delete(key);
      return [feature, left];
    }),
  );
}

function observeFeature(
  evaluation: Evaluation,
  feature: string,
  judged: readonly JudgedDrift[],
  window: Window,
): void {
  const bad = drifted(judged);
  const shown = bad[0] ?? judged.find(({ segment }) => segment === ALL_ROWS) ?? judged[0];
  if (shown === undefined) return;
  const segments = bad.map(({ segment }) => segmentName(segment));
  const where = segments.length === 0 ? "all rows" : segments.join(", ");
  evaluation.observe(
    {
      ...driftDraft(shown, window),
      kind: "drift",
      subject: feature,
      title: `${feature} drifts in ${where}`,
      where,
    },
    { breach: bad.length > 0, fromMs: window.fromMs, toMs: window.toMs },
    window.toMs,
  );
}

function observeScores(evaluation: Evaluation, entry: DriftRow, window: Window): void {
  evaluation.observe(
    {
      ...driftDraft(entry, window),
      kind: "prediction-drift",
      subject: entry.version,
      title: `Predictions of version ${entry.version} drift`,
      where: `version ${entry.version}`,
    },
    {
      breach: entry.verdict.verdict === "drift",
      fromMs: window.fromMs,
      toMs: window.toMs,
    },
    window.toMs,
  );
}

function driftDraft(
  { verdict }: JudgedDrift,
  window: Window,
): Omit<AlertDraft, "kind" | "subject" | "title" | "where"> {
  const { statistics, rows, rowsEffective } = verdict.evidence;
  const { psi, jensenShannon, ks, wasserstein } = statistics;
  const numbers = {
    ...{ psi, jensenShannon, ks, wasserstein, pValue: verdict.pValue, alpha: verdict.alpha },
    ...{ rows: rows.current, rowsEffective: rowsEffective.current },
  };
  return {
    severity: "ticket",
    cause: "inputs",
    text: `PSI ${psi.toFixed(3)}, Jensen–Shannon ${jensenShannon.toFixed(3)}${wasserstein === null ? "" : `, Wasserstein ${wasserstein.toFixed(3)} σ`} in the week of ${new Date(window.fromMs).toISOString().slice(0, 10)}`,
    cost: "unknown until labels come; performance shows whether it matters",
    causeText: "the inputs moved as a whole; no sender differs from the others",
    certainty: `${pValueText(verdict.pValue)} for ${rows.current} rows, worth ${Math.round(rowsEffective.current)} independent ones (${verdict.reason})`,
    loop: "drift alone starts no run; a probe or a threshold does",
    numbers,
    finding: null,
    windows: [windowName(window)],
  };
}

function segmentName(segment: string): string {
  if (segment === ALL_ROWS) return "all rows";
  return segment.split("\u0000").join(" ");
}

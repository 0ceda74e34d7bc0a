/**
 * What is judged when a UTC day has closed: data breaks first, so that broken rows stay out of the other
 * verdicts, then the quality of the inputs, then performance of every day whose labels changed.
 */
import { type Window, windowName } from "../../contract/window.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import { ALL_ROWS } from "../features/feature-window.ts";
import { readSpan } from "../features/read-span.ts";
import { forget, lateDays } from "../memory.ts";
import type { ModelReference } from "../reference/load-reference.ts";
import { type QualityCheck, type QualityVerdict, judgeQuality } from "../rules/quality.ts";
import { evaluateBreaks } from "./data-breaks.ts";
import { soundWindows } from "./drift.ts";
import { reissueLateSpans } from "./late-labels.ts";
import { reissueLateWeeks } from "./late-rows.ts";
import { evaluateChangedDays } from "./performance.ts";
import { pValueText } from "../alerts/p-value-text.ts";

const QUALITY = { breachesToFire: 1, cleanToResolve: 2 };

export async function evaluateDay(
  evaluation: Evaluation,
  window: Window,
  deps: StageDeps,
): Promise<void> {
  const { model, grids, reference, document } = evaluation.context;
  if (reference !== null) {
    const { fromMs, toMs } = window;
    const tags = ["", ...document.segments];
    const inputs = await readSpan({ model, fromMs, toMs, tags, version: "" }, grids, deps.store);
    if (inputs.size > 0) {
      await evaluateBreaks(evaluation, reference, { window, windows: inputs }, deps);
      await evaluateQuality(evaluation, reference, window, inputs, deps);
    }
  }
  const changed = await evaluateChangedDays(evaluation, window.toMs, deps);
  await reissueLateSpans(evaluation, changed, window.toMs, deps);
  await reissueLateWeeks(evaluation, window, deps);
  evaluation.memory = forget(evaluation.memory, window.toMs, lateDays(document.labels));
}

async function evaluateQuality(
  evaluation: Evaluation,
  reference: ModelReference,
  window: Window,
  inputs: Parameters<typeof evaluateBreaks>[2]["windows"],
  deps: StageDeps,
): Promise<void> {
  const { document } = evaluation.context;
  // Only a quarantined span makes the rows of the day differ from the sound ones.
  const isBroken = evaluation.memory.quarantined.some(
    ({ fromMs, toMs }) => fromMs < window.toMs && (toMs ?? window.toMs) > window.fromMs,
  );
  const windows = isBroken ? await soundWindows(evaluation, window, deps) : inputs;
  for (const { feature, segments } of reference.features.values()) {
    const today = windows.get(feature)?.get(ALL_ROWS);
    const usual = segments.get(ALL_ROWS);
    if (today === undefined || usual === undefined || today.kind !== usual.kind) continue;
    for (const verdict of judgeQuality(today, usual, document.features[feature]?.range)) {
      observeQuality(evaluation, feature, verdict, window);
    }
  }
}

const WORDS: Readonly<Record<QualityCheck, string>> = {
  missing: "missing or not finite",
  range: "outside the declared range",
  "new-categories": "categories that the reference does not know",
};

function observeQuality(
  evaluation: Evaluation,
  feature: string,
  verdict: QualityVerdict,
  window: Window,
): void {
  const { check, share, usual, rows, pValue } = verdict;
  const percent = (value: number): string => `${(value * 100).toFixed(2)} %`;
  evaluation.observe(
    {
      kind: "quality",
      subject: `${feature}/${check}`,
      severity: "ticket",
      cause: "inputs",
      title: `${feature}: ${percent(share)} ${WORDS[check]}`,
      text: `${percent(share)} of ${rows} rows are ${WORDS[check]}, in the reference ${percent(usual)}`,
      cost: `${Math.round(share * rows)} predictions of the day were made on such values`,
      causeText: "the inputs: what arrives is not what the model was trained on",
      where: feature,
      certainty: `exact binomial tail ${pValueText(pValue)}`,
      loop: "nothing: the rows stay in data sets until somebody quarantines them",
      numbers: { share, usual, rows, pValue },
      finding: null,
      windows: [windowName(window)],
    },
    { breach: verdict.breach, fromMs: window.fromMs, toMs: window.toMs },
    window.toMs,
    QUALITY,
  );
}

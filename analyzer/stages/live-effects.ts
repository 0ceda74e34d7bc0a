/**
 * Dependence of rows from the model's own last days, for references that could not teach it: files without
 * times, or of a few days only. Reference blocks come first where there are enough of them.
 */
import { DAY_MS, type Window } from "../../contract/window.ts";
import { featureCellsByDay } from "../../store/queries/feature-cells.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import type { FeatureReference } from "../features/feature-reference.ts";
import { ALL_ROWS, type FeatureWindow, readWindows } from "../features/feature-window.ts";
import { learnEffect } from "../reference/learn-effects.ts";

const BLOCKS_MIN = 7;
const LIVE_DAYS = 28;

/** The references with effects learnt up to the window's end, where their own are too few. */
export async function withLiveEffects(
  evaluation: Evaluation,
  references: ReadonlyMap<string, FeatureReference>,
  window: Window,
  deps: StageDeps,
): Promise<ReadonlyMap<string, FeatureReference>> {
  const untaught = [...references.values()].filter(({ effect }) => effect.blocks < BLOCKS_MIN);
  if (untaught.length === 0) return references;
  const { model, grids } = evaluation.context;
  const cells = await deps.store.query(featureCellsByDay, {
    ...{ model, version: "", tags: [""] },
    fromMs: window.toMs - LIVE_DAYS * DAY_MS,
    toMs: window.toMs,
    features: untaught.map(({ feature }) => feature),
  });
  const taught = new Map(references);
  for (const reference of untaught) {
    const whole = reference.segments.get(ALL_ROWS);
    const days = new Map<number, FeatureWindow>();
    for (const { day, ...row } of cells.filter(({ feature }) => feature === reference.feature)) {
      const { windows } = readWindows([{ ...row, s: row.cell.map(() => 0) }], grids);
      const own = windows.get(reference.feature)?.get(ALL_ROWS);
      if (own !== undefined && own.kind === whole?.kind) days.set(day, own);
    }
    if (whole === undefined || days.size < BLOCKS_MIN) continue;
    taught.set(reference.feature, { ...reference, effect: learnEffect(whole, days) });
  }
  return taught;
}

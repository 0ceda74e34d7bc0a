/** One look at a model at a moment: the block that versions are compared on, its labels, what is quarantined. */
import type { Store } from "../../store/client.ts";
import { quarantineOfModel } from "../../store/queries/quarantined-rows.ts";
import type { RowColumns } from "../../store/queries/training-rows.ts";
import { modelColumns } from "../dataset/model-columns.ts";
import type { BlockRequest } from "../judge/load-block.ts";
import { CLUSTER_MS } from "../judge/scored-block.ts";
import type { RunPlan } from "../journal/run-state.ts";
import { blockBefore } from "../policy/probe.ts";
import type { QuarantineEntry } from "../policy/quarantine.ts";
import type { ModelContext } from "./deps.ts";

export interface Look {
  readonly plan: RunPlan;
  readonly columns: RowColumns;
  readonly quarantine: readonly QuarantineEntry[];
  readonly request: BlockRequest;
}

/** Nothing is loaded yet but what decides what to load. */
export async function lookAt(context: ModelContext, plan: RunPlan, store: Store): Promise<Look> {
  const { document, model } = context;
  const [columns, quarantine] = await Promise.all([
    modelColumns(document, plan.knownMs, store),
    quarantineKnownAt(model, plan.knownMs, store),
  ]);
  const { blockFromMs: fromMs, blockToMs: toMs, knownMs } = plan;
  const request = { document, columns, fromMs, toMs, knownMs, quarantine };
  return { plan, columns, quarantine, request };
}

export const quarantineKnownAt = async (
  model: string,
  atMs: number,
  store: Store,
): Promise<readonly QuarantineEntry[]> =>
  (await store.query(quarantineOfModel, { model })).filter(({ fromMs }) => fromMs < atMs);

/** What a check at `atMs` compares and trains on: rows that a judge sees are never trained on. */
export function planAt(context: ModelContext, choice: string, atMs: number): RunPlan {
  const { judge, window } = context.document.retrain;
  const block = blockBefore(atMs, judge.block, CLUSTER_MS[judge.cluster]);
  const trainToMs = Math.min(atMs - window.embargo, block.fromMs);
  return { choice, trainToMs, knownMs: atMs, blockFromMs: block.fromMs, blockToMs: block.toMs };
}

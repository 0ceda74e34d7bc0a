/** What the collector does for labels beside storing what comes: rules of documents, and what they have it fetch. */
import { LIMITS } from "../contract/limits.ts";
import { LabelKeeper } from "./label-rules/label-keeper.ts";
import type { ShardDeps } from "./shard-worker.ts";

export interface LabelCare {
  readonly keeper: LabelKeeper;
  /** What a document says has changed: it is carried out without waiting for its turn. */
  documentChanged(): void;
  /** Begins nothing more, and resolves when nothing is being done any more. */
  stop(): Promise<void>;
}

/** @param epochOf of a shard of ours; null while another collector owns it */
export function careForLabels(
  deps: ShardDeps,
  epochOf: (shard: number) => number | null,
  abort: AbortSignal,
): LabelCare {
  const keeper = new LabelKeeper({ ...deps, epochOf: () => epochOf(0) });
  const stops = [deps.clock.every(LIMITS.labelRulesPeriodMs, () => keeper.run(abort))];
  return {
    keeper,
    documentChanged: () => void keeper.run(abort),
    stop: async () => {
      for (const stop of stops) stop();
      await keeper.run(abort);
    },
  };
}

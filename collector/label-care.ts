/** What the collector does for labels beside storing what comes: rules of documents, and what they have it fetch. */
import { LIMITS } from "../contract/limits.ts";
import { LabelPuller, type LabelPullerDeps } from "./label-pull/label-puller.ts";
import { LabelKeeper } from "./label-rules/label-keeper.ts";
import type { ShardDeps } from "./shard-worker.ts";

export interface LabelCareOptions extends Pick<LabelPullerDeps, "shards" | "sources" | "secrets"> {
  /** Of a shard of ours; null while another collector owns it. */
  readonly epochOf: (shard: number) => number | null;
}

export interface LabelCare {
  readonly keeper: LabelKeeper;
  readonly puller: LabelPuller;
  /** What a document says has changed: it is carried out without waiting for its turn. */
  documentChanged(): void;
  /** Begins nothing more, and resolves when nothing is being done any more. */
  stop(): Promise<void>;
}

export function careForLabels(
  deps: ShardDeps,
  options: LabelCareOptions,
  abort: AbortSignal,
): LabelCare {
  const keeper = new LabelKeeper({ ...deps, epochOf: () => options.epochOf(0) });
  const puller = new LabelPuller({ ...deps, ...options });
  const stops = [
    deps.clock.every(LIMITS.labelRulesPeriodMs, () => keeper.run(abort)),
    // A long pull of one model holds up no other's.
    deps.clock.every(LIMITS.labelPullTickMs, () => void puller.run(abort)),
  ];
  return {
    keeper,
    puller,
    documentChanged: () => void keeper.run(abort),
    stop: async () => {
      for (const stop of stops) stop();
      await keeper.run(abort);
      await puller.settled();
    },
  };
}

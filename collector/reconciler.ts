/**
 * Compares the rollups of closed hours with raw on a slow cadence, in model time, and repairs them. Without
 * faults it finds nothing; `rollup_repairs_total` says so. Predictions whose id came twice are counted here.
 */
import { describeError } from "../contract/driftmend-error.ts";
import { modelsWithRows } from "../store/queries/storage.ts";
import type { Erasures } from "./erasures/erasures.ts";
import { joinLeftBehind } from "./join-left-behind.ts";
import { repairHours } from "./repair-rollups.ts";
import type { ShardDeps } from "./shard-worker.ts";

const HOUR_MS = 3_600_000;
/** How long after its end an hour is closed, and how far back the first look goes. */
const CLOSED_AFTER_MS = HOUR_MS;
const FIRST_LOOK_MS = 24 * HOUR_MS;
/** Hours compared in one go. */
const SPAN_MS = 24 * HOUR_MS;

export interface ReconcilerDeps extends ShardDeps {
  /** Epoch of shard 0, whose owner reconciles; null when that is another collector. */
  readonly epochOf: () => number | null;
  readonly erasures: Erasures;
}

export class Reconciler {
  /** By model the hour up to which it was compared. */
  private readonly comparedTo = new Map<string, number>();
  private readonly deps: ReconcilerDeps;

  constructor(deps: ReconcilerDeps) {
    this.deps = deps;
  }

  async run(abort: AbortSignal): Promise<void> {
    const epoch = this.deps.epochOf();
    if (epoch === null) return;
    try {
      // It repairs the hours that it touches itself.
      if (this.deps.erasures.isRunning) return;
      const owner = { shard: 0, epoch };
      await joinLeftBehind(owner, this.deps);
      for (const { model } of await this.deps.store.query(modelsWithRows, {})) {
        if (abort.aborted) return;
        await this.reconcileModel(model, owner);
      }
    } catch (error) {
      this.deps.logger.warn({ err: error }, `not reconciled: ${describeError(error)}`);
    }
  }

  private async reconcileModel(
    model: string,
    owner: { shard: number; epoch: number },
  ): Promise<void> {
    const { watermarkMs } = this.deps.watermarks.current(model);
    const closedTo = Math.floor((watermarkMs - CLOSED_AFTER_MS) / HOUR_MS) * HOUR_MS;
    const from = this.comparedTo.get(model) ?? closedTo - FIRST_LOOK_MS;
    const to = Math.min(closedTo, from + SPAN_MS);
    if (to <= from) return;
    await this.deps.gate.exclusive(async () => {
      await this.deps.book.ensure(model);
      const hours = new Set<number>();
      for (let hour = from; hour < to; hour += HOUR_MS) hours.add(hour);
      const found = await repairHours(new Map([[model, hours]]), owner, this.deps);
      if (found.duplicateIds > 0) this.deps.metrics.duplicateIds.inc(found.duplicateIds);
    });
    this.comparedTo.set(model, to);
  }
}

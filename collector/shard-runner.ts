/** One shard for the life of a collector: lease, epoch, recovery, work; again from the start when it was lost. */
import { describeError } from "../contract/driftmend-error.ts";
import type { HeadMessage } from "../contract/messages.ts";
import { ensureFrameStream, type StreamSettings } from "./frame-source.ts";
import { recoverShard } from "./recovery.ts";
import { takeEpoch } from "./shard-epoch.ts";
import { takeLease } from "./shard-lease.ts";
import { type ShardDeps, type ShardProgress, ShardWorker } from "./shard-worker.ts";
import { StuckGroup } from "./stuck-group.ts";

export type ShardState =
  | { readonly kind: "waiting"; readonly reason: string }
  | { readonly kind: "recovering"; readonly epoch: number }
  | { readonly kind: "running"; readonly epoch: number; readonly progress: ShardProgress };

export interface ShardRunnerOptions {
  readonly shard: number;
  /** Name of this instance: the same after a restart. */
  readonly instance: string;
  /** Random id of this process. */
  readonly processId: string;
  readonly stream: StreamSettings;
}

const RETRY_MS = 1_000;

export class ShardRunner {
  state: ShardState = { kind: "waiting", reason: "not started" };
  readonly stuck = new StuckGroup();
  readonly shard: number;
  private worker: ShardWorker | undefined;
  private stored: ((spool: string) => number) | undefined;
  private readonly options: ShardRunnerOptions;
  private readonly deps: ShardDeps;

  constructor(options: ShardRunnerOptions, deps: ShardDeps) {
    this.shard = options.shard;
    this.options = options;
    this.deps = deps;
  }

  hear(head: HeadMessage): void {
    this.worker?.hear(head);
  }

  /** Null while the shard is not ours. */
  storedThrough(spool: string): number | null {
    return this.stored?.(spool) ?? null;
  }

  get epoch(): number | null {
    return this.state.kind === "waiting" ? null : this.state.epoch;
  }

  async run(abort: AbortSignal): Promise<void> {
    while (!abort.aborted) {
      try {
        await this.own(abort);
      } catch (error) {
        if (abort.aborted) return;
        this.deps.logger.error({ shard: this.shard, err: error }, describeError(error));
        this.state = { kind: "waiting", reason: describeError(error) };
      } finally {
        this.worker = undefined;
        this.stored = undefined;
      }
      await this.deps.clock.sleep(RETRY_MS, abort).catch(() => undefined);
    }
  }

  private async own(abort: AbortSignal): Promise<void> {
    const { shard, instance, processId, stream } = this.options;
    await ensureFrameStream(this.deps.nats, shard, stream);
    this.state = { kind: "waiting", reason: "another instance holds the lease" };
    const lease = await takeLease(shard, instance, this.deps, abort);
    try {
      const ours = AbortSignal.any([abort, lease.lost]);
      const epoch = await takeEpoch(shard, processId, this.deps, ours);
      this.state = { kind: "recovering", epoch };
      const recovered = await recoverShard({ shard, epoch }, this.stuck, this.deps, ours);
      if (recovered === null) return;
      this.worker = new ShardWorker(recovered, this.deps);
      this.stored = (spool) => recovered.ledger.storedThrough(spool);
      this.state = { kind: "running", epoch, progress: this.worker.progress };
      this.worker.tellAll();
      this.deps.logger.info({ shard, epoch, nextGroup: recovered.nextGroup }, "shard taken");
      await this.worker.run(ours);
    } finally {
      await lease.release();
    }
  }
}

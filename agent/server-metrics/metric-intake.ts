/**
 * From readings to the answer "it is on disk", one request or reading after the other: what a counter grew by depends
 * on what was counted before, so the baselines are written first, under the digest by which the rows are known.
 */
import type { Clock } from "../../runtime/clock.ts";
import type { AgentCounters } from "../agent-counters.ts";
import type { Intake, Taken } from "../intake.ts";
import type { Recorder } from "../recorder.ts";
import { bodyDigest } from "../spool/digest-memory.ts";
import { diskFull, isDiskFull } from "../spool/disk-reserve.ts";
import type { Spool } from "../spool/spool.ts";
import type { BaselineBook } from "./baseline-book.ts";
import { type Origin, type SampleCounts, planSamples } from "./plan-samples.ts";

export interface MetricIntakeDeps {
  readonly book: BaselineBook;
  readonly spool: Pick<Spool, "digests" | "digestKey">;
  readonly intake: Pick<Intake, "takeKnown">;
  readonly recorder: Recorder;
  readonly counters: AgentCounters;
  readonly clock: Clock;
  readonly retentionMs: number;
}

export interface TakenMetrics {
  readonly taken: Taken;
  /** One for each origin; none for what was taken in before. */
  readonly counts: readonly SampleCounts[];
}

export class MetricIntake {
  private readonly deps: MetricIntakeDeps;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(deps: MetricIntakeDeps) {
    this.deps = deps;
  }

  /** By what a request, or a reading, is known; `body` may be used again afterwards. */
  digestOf(body: Uint8Array): string {
    return bodyDigest(this.deps.spool.digestKey, "metrics", body);
  }

  /**
   * Resolves once the rows are on disk.
   * @throws {DriftmendError} spool_full, disk_full, disk_behind (retry later)
   */
  take(digest: string, origins: readonly Origin[]): Promise<TakenMetrics> {
    const taken = this.queue.then(() => this.takeNext(digest, origins));
    this.queue = taken.catch(() => undefined);
    return taken;
  }

  /** Forgets counters of servers that are gone. */
  prune(): void {
    this.deps.book.forget(this.deps.clock.nowMs());
  }

  /** Closes the file of counters once nothing is on its way. */
  async close(): Promise<void> {
    await this.queue;
    await this.deps.book.close();
  }

  private async takeNext(digest: string, origins: readonly Origin[]): Promise<TakenMetrics> {
    const { book, spool, intake, recorder, counters, clock, retentionMs } = this.deps;
    if (spool.digests.has(digest)) return { taken: { kind: "repeated" }, counts: [] };
    const oldestMs = clock.nowMs() - retentionMs;
    const plans = origins.map((origin) => planSamples(origin, book, oldestMs));
    const rows = plans.flatMap((plan) => plan.rows);
    const entries = plans.map(({ key, readMs, baselines }) => ({
      // Nothing will be known under the digest of what has no rows.
      ...{ digest: rows.length === 0 ? "" : digest, key, readMs, baselines },
    }));
    await book.write(entries).catch((error: unknown) => {
      throw isDiskFull(error) ? diskFull(error) : error;
    });
    const taken = await intake.takeKnown(digest, () => {
      for (const row of rows) recorder.addServerMetric(row);
    });
    for (const entry of entries) book.apply(entry);
    const counts = plans.map((plan) => plan.counts);
    for (const one of counts) counters.samples(one);
    counters.took(taken);
    return { taken, counts };
  }
}

/**
 * Publishes spooled frames to their stream in the order of their numbers, with bounded bytes in flight.
 * Nothing is lost when it fails: the spool keeps a frame until it is stored, and the publisher goes back to
 * the first frame that failed, that a collector wants, or, after a reconnect, that is not stored.
 *
 * A backlog is paced: the stream is one for many agents and is read in order, so what one of them sends at once is what
 * the live data of the others waits behind. Of frames that are no longer live only so much is on its way as the
 * collector needs to be busy.
 */
import type { JetStreamClient } from "@nats-io/jetstream";
import { subjects } from "../../contract/subjects.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { AgentCounters } from "../agent-counters.ts";
import type { Spool } from "../spool/spool.ts";
import { OnTheWay } from "./on-the-way.ts";

const BACKOFF_MS_MIN = 100;

export interface PublisherDeps {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: AgentCounters;
  /** The stream of the spool's frames, which changes with the spool's name. */
  readonly shard: () => number;
  /** Of a backlog, published and not stored. */
  readonly backlogBytesMax: number;
}

export class Publisher {
  private readonly deps: PublisherDeps;
  private jetstream: JetStreamClient | null = null;
  /** The frame to publish next. */
  private position: number;
  private readonly onTheWay = new OnTheWay();
  private readonly inFlight = new Set<Promise<void>>();
  private inFlightBytes = 0;
  private failedFrom = Number.POSITIVE_INFINITY;
  private backoffMs = BACKOFF_MS_MIN;
  private wakeUp: () => void = () => undefined;
  private readonly stopping = new AbortController();
  private running: Promise<void> | null = null;
  private saidWhy = "";
  /** Highest frame that a stream has acknowledged. */
  publishedThrough = 0;

  constructor(deps: PublisherDeps) {
    this.deps = deps;
    this.position = deps.spool.storedThrough + 1;
  }

  /** Begins to publish; to be called once a connection is there. */
  start(jetstream: JetStreamClient): void {
    this.jetstream = jetstream;
    this.running ??= this.run();
  }

  /** There may be something to publish. */
  wake(): void {
    this.wakeUp();
  }

  /** Everything up to `through` is stored. */
  stored(through: number): void {
    this.onTheWay.stored(through);
    this.wake();
  }

  /** Publishes again from `seq`, or from the first frame that is not stored if that is later. */
  goBackTo(seq: number): void {
    this.position = Math.min(this.position, Math.max(seq, this.deps.spool.storedThrough + 1));
    this.onTheWay.forgetFrom(this.position);
    this.wake();
  }

  /** The spool has another name and other numbers. */
  startOver(): void {
    this.publishedThrough = 0;
    this.onTheWay.forgetFrom(0);
    this.position = this.deps.spool.storedThrough + 1;
    this.wake();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      if (Number.isFinite(this.failedFrom)) {
        await this.backOff(signal);
        continue;
      }
      const { spool } = this.deps;
      this.position = Math.max(this.position, spool.storedThrough + 1);
      const end = spool.unconfirmedFrom ?? spool.nextSeq;
      const isBusy = this.inFlightBytes >= LIMITS.publishInFlightBytesMax;
      if (this.position >= end || isBusy || this.mustBePaced(this.position)) {
        await this.untilWoken();
        continue;
      }
      const seq = this.position++;
      try {
        const frame = await spool.read(seq);
        if (frame !== null) this.publish(seq, frame);
      } catch (error) {
        this.failed(seq, error, "a frame cannot be read from the spool now; it is tried again");
      }
    }
    await Promise.all(this.inFlight);
  }

  private mustBePaced(seq: number): boolean {
    if (this.onTheWay.bytes < this.deps.backlogBytesMax) return false;
    const acceptedMs = this.deps.spool.acceptedMsOf(seq);
    return acceptedMs !== null && this.deps.clock.nowMs() - acceptedMs > LIMITS.backlogAgeMs;
  }

  private publish(seq: number, frame: Buffer): void {
    this.onTheWay.add(seq, frame.length);
    this.inFlightBytes += frame.length;
    const done = this.publishOne(seq, frame).finally(() => {
      this.inFlightBytes -= frame.length;
      this.inFlight.delete(done);
      this.wake();
    });
    this.inFlight.add(done);
  }

  private async publishOne(seq: number, frame: Buffer): Promise<void> {
    const { spool, counters, shard } = this.deps;
    try {
      await this.jetstream?.publish(subjects.frames(shard()), frame, {
        timeout: LIMITS.publishAckTimeoutMs,
        retries: 1,
      });
      spool.wasPublished(seq);
      counters.frames("published", 1);
      this.publishedThrough = Math.max(this.publishedThrough, seq);
      this.backoffMs = BACKOFF_MS_MIN;
      this.saidWhy = "";
    } catch (error) {
      this.failed(seq, error, "frames cannot be published now; the spool keeps them");
    }
  }

  private failed(seq: number, error: unknown, message: string): void {
    this.deps.counters.frames("publish_failed", 1);
    this.failedFrom = Math.min(this.failedFrom, seq);
    const why = error instanceof Error ? error.message : String(error);
    if (why !== this.saidWhy) this.deps.logger.warn({ seq, why }, message);
    this.saidWhy = why;
  }

  /** Waits for what is in flight, then a while that grows with each failure, and goes back. */
  private async backOff(signal: AbortSignal): Promise<void> {
    await Promise.all(this.inFlight);
    await this.deps.clock.sleep(this.backoffMs, signal).catch(() => undefined);
    this.backoffMs = Math.min(this.backoffMs * 2, LIMITS.publishBackoffMsMax);
    this.position = Math.min(this.position, this.failedFrom);
    this.onTheWay.forgetFrom(this.position);
    this.failedFrom = Number.POSITIVE_INFINITY;
  }

  private untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.wakeUp = resolve;
    });
  }
}

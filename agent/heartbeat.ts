/**
 * Proves that the way to the database is whole when nobody sends anything: a frame without rows goes through spool,
 * stream and collector into a group, and its number comes back as stored. One that does not come back makes the spool's
 * oldest unstored frame old, which is what the rule about our own lag pages for.
 */
import type { Clock } from "../runtime/clock.ts";
import type { Intake } from "./intake.ts";
import type { Spool } from "./spool/spool.ts";

export interface HeartbeatDeps {
  readonly spool: Pick<Spool, "nextSeq" | "storedThrough">;
  readonly intake: Pick<Intake, "heartbeat">;
  readonly clock: Pick<Clock, "monotonicMs" | "nowMs">;
  /** How long the way may lie unused. */
  readonly periodMs: number;
}

export interface WayProven {
  /** Wall time at which something was last heard to be stored. */
  readonly atMs: number;
  /** From the fsync to the word that it is stored, of the last heartbeat; null before the first. */
  readonly tookMs: number | null;
}

export class Heartbeat {
  private readonly deps: HeartbeatDeps;
  private nextSeq: number;
  private storedThrough: number;
  private movedMs: number;
  private waiting: { readonly seq: number; readonly sentMs: number } | null = null;
  private proven: WayProven | null = null;

  constructor(deps: HeartbeatDeps) {
    this.deps = deps;
    this.nextSeq = deps.spool.nextSeq;
    this.storedThrough = deps.spool.storedThrough;
    this.movedMs = deps.clock.monotonicMs();
  }

  /** Null until something was stored since the start. */
  get lastProven(): WayProven | null {
    return this.proven;
  }

  /** To be called every second: sees what was stored, and sends a beat where nothing moves. */
  async look(): Promise<void> {
    const { spool, clock, periodMs } = this.deps;
    const nowMs = clock.monotonicMs();
    if (spool.storedThrough !== this.storedThrough) {
      this.storedThrough = spool.storedThrough;
      this.proven = { atMs: clock.nowMs(), tookMs: this.tookMs(nowMs) };
    }
    if (spool.nextSeq !== this.nextSeq) {
      this.nextSeq = spool.nextSeq;
      this.movedMs = nowMs;
    }
    const isIdle = nowMs - this.movedMs >= periodMs;
    if (isIdle && spool.storedThrough === spool.nextSeq - 1) await this.beat();
  }

  private tookMs(nowMs: number): number | null {
    const { waiting } = this;
    if (waiting === null || waiting.seq > this.storedThrough) return this.proven?.tookMs ?? null;
    this.waiting = null;
    return nowMs - waiting.sentMs;
  }

  private async beat(): Promise<void> {
    const { spool, intake, clock } = this.deps;
    try {
      await intake.heartbeat();
    } catch {
      // Nothing can be taken in now, which requests and readiness say.
      return;
    }
    this.waiting = { seq: spool.nextSeq - 1, sentMs: clock.monotonicMs() };
  }
}

/**
 * How often small groups are stored. A group costs the engine a third of a second of CPU, however few rows it has: of a
 * trickle that never ends, groups as soon as there is a row would keep a core busy. So storing has a budget of time that
 * comes back slowly; what comes after a rest is stored at once, a trickle in larger groups. Groups that are full, or old, do
 * not ask.
 */

interface GroupPaceOptions {
  /** Milliseconds of storing that may follow each other after a rest. */
  readonly burstMs: number;
  /** Of the time that small groups may be stored in the long run. */
  readonly share: number;
  /** No group waits longer, so a large one before it is forgotten by then. */
  readonly waitMsMax: number;
}

export class GroupPace {
  private budgetMs: number;
  private countedMs: number;
  private readonly burstMs: number;
  private readonly share: number;
  private readonly waitMsMax: number;

  constructor(nowMs: number, { burstMs, share, waitMsMax }: GroupPaceOptions) {
    this.waitMsMax = waitMsMax;
    this.budgetMs = burstMs;
    this.countedMs = nowMs;
    this.burstMs = burstMs;
    this.share = share;
  }

  /** A group took so long to store. */
  spend(durationMs: number, nowMs: number): void {
    this.count(nowMs);
    this.budgetMs = Math.max(this.budgetMs - durationMs, -this.share * this.waitMsMax);
  }

  /** Milliseconds until a small group may be stored. */
  msUntilNext(nowMs: number): number {
    this.count(nowMs);
    return this.budgetMs > 0
      ? 0
      : Math.min(this.waitMsMax, Math.ceil(-this.budgetMs / this.share) + 1);
  }

  private count(nowMs: number): void {
    this.budgetMs = Math.min(this.burstMs, this.budgetMs + this.share * (nowMs - this.countedMs));
    this.countedMs = nowMs;
  }
}

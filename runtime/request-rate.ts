/**
 * How often one caller may ask: a bucket per caller that refills steadily. Pure but for what it remembers;
 * callers that have been idle longest are forgotten, which can only be kind to them.
 */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** A request costs so much, and a millisecond brings `perSecond`: whole numbers, which add up exactly. */
const COST = 1_000;

interface Bucket {
  credit: number;
  atMs: number;
}

export class RequestRate {
  private readonly buckets = new Map<string, Bucket>();
  private readonly callersMax: number;

  constructor(callersMax: number) {
    this.callersMax = callersMax;
  }

  /** @returns milliseconds until the caller may ask again; 0: this request may pass */
  take(caller: string, { burst, perSecond }: Rate, nowMs: number): number {
    const known = this.buckets.get(caller);
    const full = burst * COST;
    const credit =
      known === undefined
        ? full
        : Math.min(full, known.credit + Math.max(0, nowMs - known.atMs) * perSecond);
    const passes = credit >= COST;
    // Put last: the first key of the map is the one that was idle longest.
    this.buckets.delete(caller);
    this.buckets.set(caller, { credit: passes ? credit - COST : credit, atMs: nowMs });
    const [first] = this.buckets.keys();
    if (this.buckets.size > this.callersMax && first !== undefined) this.buckets.delete(first);
    return passes ? 0 : Math.ceil((COST - credit) / perSecond);
  }
}

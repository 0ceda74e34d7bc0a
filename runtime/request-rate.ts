/**
 * How often one caller may ask: a bucket per caller that refills steadily. Pure but for what it remembers;
 * callers that have been idle longest are forgotten, which can only be kind to them.
 */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** What floating point adds to a whole number of milliseconds. */
const ROUNDING_MS = 1e-6;

interface Bucket {
  tokens: number;
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
    const refilled =
      known === undefined
        ? burst
        : Math.min(burst, known.tokens + (Math.max(0, nowMs - known.atMs) / 1000) * perSecond);
    const passes = refilled >= 1;
    // Put last: the first key of the map is the one that was idle longest.
    this.buckets.delete(caller);
    this.buckets.set(caller, { tokens: passes ? refilled - 1 : refilled, atMs: nowMs });
    const [first] = this.buckets.keys();
    if (this.buckets.size > this.callersMax && first !== undefined) this.buckets.delete(first);
    return passes ? 0 : Math.ceil(((1 - refilled) / perSecond) * 1000 - ROUNDING_MS);
  }
}

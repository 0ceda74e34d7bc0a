/**
 * How many predictions of each model are taken in: a bucket per model that refills steadily, in whole numbers,
 * which add up exactly. A model that sends too much empties its own bucket and no other's.
 */
import type { RecordRate } from "../../contract/capture-settings.ts";
import { LIMITS } from "../../contract/limits.ts";

/** A record costs `perMs`, and a millisecond brings `records`. */
export interface Bucket {
  readonly rate: RecordRate;
  credit: number;
  atMs: number;
  /** Records that the open request took, for the case that it is read again. */
  taken: number;
}

export class ModelRates {
  private readonly buckets = new Map<string, Bucket>();
  /** Of the open request. */
  private readonly touched: Bucket[] = [];

  /** The model's bucket, filled up to `nowMs`; models beyond the maximum share one. */
  bucketOf(model: string, rate: RecordRate, nowMs: number): Bucket {
    const key = this.buckets.has(model) || this.hasRoom(nowMs) ? model : overflowKey(rate);
    let bucket = this.buckets.get(key);
    if (bucket === undefined || !isSame(bucket.rate, rate)) {
      bucket = { rate, credit: fullOf(rate), atMs: nowMs, taken: 0 };
      this.buckets.set(key, bucket);
    }
    const brought = Math.max(0, nowMs - bucket.atMs) * rate.records;
    bucket.credit = Math.min(fullOf(rate), bucket.credit + brought);
    bucket.atMs = Math.max(bucket.atMs, nowMs);
    return bucket;
  }

  /** Whether one more record may pass. */
  take(bucket: Bucket): boolean {
    if (bucket.credit < bucket.rate.perMs) return false;
    bucket.credit -= bucket.rate.perMs;
    if (bucket.taken++ === 0) this.touched.push(bucket);
    return true;
  }

  /** Begins a request: what the one before took is spent. */
  begin(): void {
    for (const bucket of this.touched) bucket.taken = 0;
    this.touched.length = 0;
  }

  /** The open request is taken back, and read again. */
  giveBack(): void {
    for (const bucket of this.touched) bucket.credit += bucket.taken * bucket.rate.perMs;
    this.begin();
  }

  /** A full bucket is as good as none: models that went away take no room. */
  private hasRoom(nowMs: number): boolean {
    if (this.buckets.size < LIMITS.shedModelsMax) return true;
    for (const [model, { rate, credit, atMs, taken }] of this.buckets) {
      const isFull = credit + (nowMs - atMs) * rate.records >= fullOf(rate);
      if (isFull && taken === 0) this.buckets.delete(model);
    }
    return this.buckets.size < LIMITS.shedModelsMax;
  }
}

/** Begins with a zero byte, as no model's name does that anybody writes. */
const overflowKey = ({ records, perMs }: RecordRate): string => `\0${records}/${perMs}`;

/** What gathers in `captureBurstMs`, or in the span of the rate where that is longer. */
function fullOf({ records, perMs }: RecordRate): number {
  return records * Math.max(perMs, LIMITS.captureBurstMs);
}

function isSame(a: RecordRate, b: RecordRate): boolean {
  return a.records === b.records && a.perMs === b.perMs;
}

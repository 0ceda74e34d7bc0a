/** Which halves wait for which: a pure book, bounded in time, number and bytes. */
import { LIMITS } from "../../contract/limits.ts";
import type { Half } from "./half.ts";

export interface Pair {
  readonly request: Half;
  readonly response: Half;
}

export type Met =
  | { readonly kind: "pair"; readonly pair: Pair }
  | { readonly kind: "waits" }
  /** The same half came before: its sender sent it again. */
  | { readonly kind: "again" };

export class PairBook {
  /** By key, in the order in which they came. */
  private readonly waiting = new Map<string, Half>();
  private bytes = 0;

  get size(): number {
    return this.waiting.size;
  }

  /** What the half meets; a pair is taken out. */
  meet(half: Half): Met {
    const other = this.waiting.get(half.key);
    if (other === undefined) return { kind: "waits" };
    if (other.side === half.side) return { kind: "again" };
    this.remove(other);
    const [request, response] = half.side === "request" ? [half, other] : [other, half];
    return { kind: "pair", pair: { request, response } };
  }

  /** Lets it wait; answers the oldest ones, which had to give way. */
  add(half: Half): readonly Half[] {
    this.waiting.set(half.key, half);
    this.bytes += half.body.length;
    const gone: Half[] = [];
    for (const oldest of this.waiting.values()) {
      if (this.bytes <= LIMITS.pairBytesMax && this.waiting.size <= LIMITS.pairsWaitingMax) break;
      this.remove(oldest);
      gone.push(oldest);
    }
    return gone;
  }

  /** Takes out those whose other half has not come in time. */
  expire(nowMs: number): readonly Half[] {
    const oldestMs = nowMs - LIMITS.pairWindowMs;
    const gone = [...this.waiting.values()].filter(({ cameMs }) => cameMs <= oldestMs);
    for (const half of gone) this.remove(half);
    return gone;
  }

  /** Takes a half out that could not be kept. */
  remove(half: Half): void {
    if (this.waiting.get(half.key) !== half) return;
    this.waiting.delete(half.key);
    this.bytes -= half.body.length;
  }
}

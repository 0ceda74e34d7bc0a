/** Seeded samplers for simulations under the null. */
import type { Random } from "../../runtime/random.ts";
import { normalQuantile } from "../../stats/index.ts";

export type Sampler = (random: Random) => number;

/** A standard normal number. */
export function normal(random: Random): number {
  return normalQuantile((random.next() * 4294967295 + 0.5) / 4294967296);
}

/** Zipf-like categories 0 … size − 1. */
export function zipf(size: number): Sampler {
  const cumulative: number[] = [];
  let total = 0;
  for (let i = 1; i <= size; i++) {
    total += 1 / i;
    cumulative.push(total);
  }
  return (random) => {
    const u = random.next() * total;
    let low = 0;
    let high = size - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? 0) < u) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
}

export const CONTINUOUS: Record<string, Sampler> = {
  normal,
  lognormal: (random) => Math.exp(1.5 * normal(random)),
  uniform: (random) => random.next(),
};

export const SAMPLERS: Record<string, Sampler> = {
  ...CONTINUOUS,
  bernoulli: (random) => (random.next() < 0.2 ? 1 : 0),
  hours: (random) => Math.floor(6 + 17 * random.next()),
};

/** `count` draws. */
export function draw(random: Random, sampler: Sampler, count: number): Float64Array {
  return Float64Array.from({ length: count }, () => sampler(random));
}

/** Rows per category of `count` draws. */
export function drawCategories(
  random: Random,
  sampler: Sampler,
  count: number,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const key = `c${sampler(random)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

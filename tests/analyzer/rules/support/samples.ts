/** Random numbers of a seed that traffic is made of. */
import type { Random } from "../../../../runtime/random.ts";

export function normalSample(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

export function poissonSample(random: Random, mean: number): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normalSample(random)));
  let product = random.next();
  let count = 0;
  for (const floor = Math.exp(-mean); product > floor; count++) product *= random.next();
  return count;
}

/** Of a gamma distribution with this mean and coefficient of variation, by Marsaglia and Tsang. */
export function gammaSample(random: Random, mean: number, variation: number): number {
  const shape = 1 / variation ** 2;
  const d = shape - 1 / 3;
  for (;;) {
    const x = normalSample(random);
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < (x * x) / 2 + d - d * v + d * Math.log(v)) {
      return (mean * d * v) / shape;
    }
  }
}

/**
 * Broken inputs of single segment values, seen against the other values of the same day: all of them share
 * its weather, so what differs between them more than it always did is the sender. Values that are found
 * broken leave the pool before the others are judged again, so that they cannot make these look odd.
 */
import { chiSquareSurvival, chiSquareTest, populationStabilityIndex } from "../../stats/index.ts";

/** One feature of one tag on the cells of its histogram: counts per value of the tag. */
export interface TagFeature {
  readonly feature: string;
  readonly day: ReadonlyMap<string, Float64Array>;
  readonly reference: ReadonlyMap<string, Float64Array>;
}

export interface SegmentBreak {
  readonly feature: string;
  readonly value: string;
  readonly rows: number;
  /** PSI against what is expected of the value, less what chance gives it. */
  readonly effect: number;
  readonly pValue: number;
}

const P_MAX = 1e-6;
const EFFECT_MIN = 0.1;
const ROWS_MIN = 100;
/** Values of a tag whose mean PSI to the rest is below this in the reference are alike. */
const ALIKE_PSI_MAX = 0.02;
/** With fewer values the middle one is no witness of what is normal. */
const WITNESSES_MIN = 4;
const TREND_SMOOTHING_ROWS = 5;

/** Breaks of one feature by value of the tag, largest effect first. */
export function judgeSegments(given: TagFeature): readonly SegmentBreak[] {
  const pool = new Set([...given.day.keys()].filter((value) => judgeable(given, value)));
  const alike = areAlike(given);
  const broken: string[] = [];
  for (;;) {
    const judged = judgeAll(given, [...pool], [...pool], alike);
    const worst = judged.filter(isBreak).sort((a, b) => b.effect - a.effect)[0];
    if (worst === undefined || pool.size < 2) break;
    pool.delete(worst.value);
    broken.push(worst.value);
  }
  if (broken.length > pool.size) return [];
  // Once more against the sound ones alone: what looked odd beside a broken value may not be.
  const judged = judgeAll(given, broken, [...pool], alike);
  return judged.filter(isBreak).sort((a, b) => b.effect - a.effect);
}

const isBreak = ({ effect, pValue }: SegmentBreak): boolean =>
  pValue < P_MAX && effect >= EFFECT_MIN;

const judgeable = ({ day }: TagFeature, value: string): boolean =>
  sumOf(day.get(value)) >= ROWS_MIN;

function judgeAll(
  given: TagFeature,
  values: readonly string[],
  pool: readonly string[],
  alike: boolean,
): readonly SegmentBreak[] {
  const tests = values.flatMap((value) => {
    const test = compareWithRest(given, value, pool, alike);
    return test === null ? [] : [test];
  });
  const inflation = designEffectOf(tests.map(({ ratio }) => ratio));
  return tests.map(({ value, rows, effect, statistic, degrees }) => ({
    feature: given.feature,
    value,
    rows,
    effect,
    pValue: degrees === 0 ? 1 : chiSquareSurvival(statistic / inflation, degrees),
  }));
}

interface Comparison {
  readonly value: string;
  readonly rows: number;
  readonly effect: number;
  readonly statistic: number;
  readonly degrees: number;
  readonly ratio: number;
}

function compareWithRest(
  given: TagFeature,
  value: string,
  pool: readonly string[],
  alike: boolean,
): Comparison | null {
  const others = pool.filter((other) => other !== value);
  const own = given.day.get(value);
  const rest = addUp(others.map((other) => given.day.get(other)));
  if (own === undefined || rest === null) return null;
  const expected = alike ? rest : expectedOf(given, value, others, rest);
  if (expected === null || sumOf(expected) < ROWS_MIN) return null;
  const test = chiSquareTest(own, expected);
  const rows = sumOf(own);
  const cells = own.reduce((n, count, i) => n + (count + (expected[i] ?? 0) > 0 ? 1 : 0), 0);
  const bias = (1 / rows + 1 / sumOf(expected)) * Math.max(0, cells - 1);
  return {
    value,
    rows,
    effect: Math.max(0, populationStabilityIndex(own, expected) - bias),
    statistic: test.statistic,
    degrees: test.degreesOfFreedom,
    ratio: test.degreesOfFreedom === 0 ? 1 : test.statistic / test.degreesOfFreedom,
  };
}

/**
 * What a value should look like today: as in the reference, changed as the rest has changed since. Cells
 * that the rest hardly has say nothing of a change. Its rows are those that such an estimate is worth.
 */
function expectedOf(
  given: TagFeature,
  value: string,
  others: readonly string[],
  rest: Float64Array,
): Float64Array | null {
  const own = given.reference.get(value);
  const before = addUp(others.map((other) => given.reference.get(other)));
  if (own === undefined || before === null) return null;
  const ownRows = sumOf(own);
  const beforeRows = sumOf(before);
  if (Math.min(ownRows, beforeRows) < ROWS_MIN) return null;
  const todayPerBefore = sumOf(rest) / beforeRows;
  const shares = own.map((count, i) => {
    const usual = (before[i] ?? 0) * todayPerBefore;
    return count * (((rest[i] ?? 0) + TREND_SMOOTHING_ROWS) / (usual + TREND_SMOOTHING_ROWS));
  });
  const scale = sumOf(shares);
  const worth = 1 / (1 / sumOf(rest) + 1 / ownRows + 1 / beforeRows);
  return scale > 0 ? shares.map((share) => (share / scale) * worth) : null;
}

/** Were the values of the tag alike in the reference? Then the rest says what to expect of a new one too. */
function areAlike({ reference }: TagFeature): boolean {
  const values = [...reference.keys()].filter((value) => sumOf(reference.get(value)) >= ROWS_MIN);
  if (values.length < 2) return false;
  const distances = values.map((value) => {
    const own = reference.get(value) ?? new Float64Array(0);
    const rest = addUp(values.filter((other) => other !== value).map((v) => reference.get(v)));
    if (rest === null) return 0;
    const bias = (1 / sumOf(own) + 1 / sumOf(rest)) * Math.max(0, own.length - 1);
    return Math.max(0, populationStabilityIndex(own, rest) - bias);
  });
  return Math.max(...distances) < ALIKE_PSI_MAX;
}

/** The middle χ² over its degrees: what values differ anyway, which a few broken ones do not move. */
function designEffectOf(ratios: readonly number[]): number {
  if (ratios.length < WITNESSES_MIN) return 1;
  const sorted = [...ratios].sort((a, b) => a - b);
  return Math.max(1, sorted[Math.floor((sorted.length - 1) / 2)] ?? 1);
}

function addUp(parts: readonly (Float64Array | undefined)[]): Float64Array | null {
  const first = parts.find((part) => part !== undefined);
  if (first === undefined) return null;
  const sum = new Float64Array(first.length);
  for (const part of parts) part?.forEach((count, i) => (sum[i] = (sum[i] ?? 0) + count));
  return sum;
}

function sumOf(counts: Float64Array | undefined): number {
  let sum = 0;
  for (const count of counts ?? []) sum += count;
  return sum;
}

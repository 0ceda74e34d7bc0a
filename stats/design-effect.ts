/**
 * How much less than their number dependent rows are worth, learnt from counts per block of time
 * (hours, days): the variance of shares between blocks over the one that independent rows would
 * have. On the flights' labels it is about 300. Invariant: never below 1, and it says how well it
 * is known.
 */
import type { RaoScott } from "./chi-square-test.ts";

export interface DesignEffect {
  /** Mean over directions of cells, for samples of blocks of `blockRows`; >= 1. */
  readonly designEffect: number;
  /** Of the cumulative shares of the ordered cells, the worst one; what KS needs; >= 1. */
  readonly cumulative: number;
  /**
   * Share of variance that rows of one block have in common; of the mean and of the cumulative one.
   */
  readonly correlation: number;
  readonly cumulativeCorrelation: number;
  /** Mean rows of a block, as the analysis of variance weighs them. */
  readonly blockRows: number;
  /** Correlation of a block with the one before; 0 where blocks do not differ beyond chance. */
  readonly serialCorrelation: number;
  /** Satterthwaite's number of directions that carry the effect; 1e9 for independent rows. */
  readonly rank: number;
  /** Of the estimate: blocks less phases, less serial correlation; 1e9 if independent. */
  readonly degreesOfFreedom: number;
  readonly blocks: number;
}

/**
 * Stands for infinitely many degrees of freedom: finite, so that evidence survives JSON.
 */
export const DEGREES_UNLIMITED = 1e9;

/** Rows taken as independent: to be said where no block history exists yet. */
export const INDEPENDENT_ROWS: DesignEffect = {
  designEffect: 1,
  cumulative: 1,
  correlation: 0,
  cumulativeCorrelation: 0,
  blockRows: 1,
  serialCorrelation: 0,
  rank: DEGREES_UNLIMITED,
  degreesOfFreedom: DEGREES_UNLIMITED,
  blocks: 0,
};

export interface DesignEffectOptions {
  /** How many leading cells are ordered (a histogram's `orderedCells`); default none. */
  readonly orderedCells?: number;
  /**
   * Blocks of a season (7 for days of a week): known differences of phases are no noise; default 1.
   */
  readonly seasonBlocks?: number;
}

const SERIAL_MAX = 0.8;

/**
 * Learns the design effect of a feature.
 * @param blocks counts per cell of consecutive blocks, same cells, oldest first; empty blocks are
 * skipped
 * @returns INDEPENDENT_ROWS with the number of blocks where fewer than 3 residual blocks remain
 * @throws {RangeError} if the cells do not align
 * @see Rao and Scott (1984); the mean over cells equals Pearson's χ² of homogeneity over its
 * degrees
 */
export function learnDesignEffect(
  blocks: readonly ArrayLike<number>[],
  options: DesignEffectOptions = {},
): DesignEffect {
  const { orderedCells = 0, seasonBlocks = 1 } = options;
  const table = readBlocks(blocks, seasonBlocks);
  const degrees = table.residualBlocks;
  if (degrees < 3 || table.directions < 1) {
    return { ...INDEPENDENT_ROWS, blocks: table.totals.length };
  }
  const residuals = standardisedResiduals(table);
  const trace = residuals.reduce((sum, r) => sum + dot(r, r), 0) / degrees;
  const designEffect = Math.max(1, trace / table.directions);
  const serialCorrelation = serial(residuals, table, trace);
  const variance = serialCorrelation * serialCorrelation;
  const cumulative = cumulativeEffect(table, orderedCells, degrees) ?? designEffect;
  const { blockRows } = table;
  const count = table.totals.length;
  // Blocks that resemble their neighbours spread less about their own mean than they truly vary.
  const spread =
    (count - 1) / (count - Math.min(count / 2, serialInflation(serialCorrelation, count)));
  const perRow = spread / Math.max(1, blockRows - 1);
  return {
    designEffect,
    cumulative,
    correlation: Math.min(1, (designEffect - 1) * perRow),
    cumulativeCorrelation: Math.min(1, (cumulative - 1) * perRow),
    blockRows,
    serialCorrelation,
    rank: rankOf(residuals, trace, degrees, table.directions),
    degreesOfFreedom: Math.max(1, (degrees * (1 - variance)) / (1 + variance)),
    blocks: count,
  };
}

interface BlockTable {
  readonly counts: readonly ArrayLike<number>[];
  readonly totals: readonly number[];
  readonly phases: readonly number[];
  /** Pooled counts of each phase. */
  readonly pooled: readonly Float64Array[];
  readonly blockRows: number;
  /** Blocks less phases. */
  readonly residualBlocks: number;
  /** Mean over residual blocks of (cells with rows in the phase − 1). */
  readonly directions: number;
}

function readBlocks(blocks: readonly ArrayLike<number>[], seasonBlocks: number): BlockTable {
  const cells = blocks[0]?.length ?? 0;
  const pooled = Array.from({ length: seasonBlocks }, () => new Float64Array(cells));
  const perPhase = new Float64Array(seasonBlocks);
  const counts: ArrayLike<number>[] = [];
  const totals: number[] = [];
  const phases: number[] = [];
  let rows = 0;
  let squares = 0;
  blocks.forEach((block, index) => {
    if (block.length !== cells) {
      throw new RangeError(`Cannot compare blocks of the same cells: ${block.length} and ${cells}`);
    }
    const total = sumOf(block);
    if (total === 0) {
      return;
    }
    const phase = index % seasonBlocks;
    const pool = pooled[phase]!;
    for (let k = 0; k < cells; k++) {
      pool[k] = pool[k]! + block[k]!;
    }
    perPhase[phase] = perPhase[phase]! + 1;
    counts.push(block);
    totals.push(total);
    phases.push(phase);
    rows += total;
    squares += total * total;
  });
  let residualBlocks = 0;
  let directions = 0;
  pooled.forEach((pool, phase) => {
    const extra = Math.max(0, perPhase[phase]! - 1);
    residualBlocks += extra;
    directions += extra * (pool.reduce((total, count) => total + (count > 0 ? 1 : 0), 0) - 1);
  });
  const blockRows = Math.max(1, (rows - squares / rows) / Math.max(1, totals.length - 1));
  return {
    counts,
    totals,
    phases,
    pooled,
    blockRows,
    residualBlocks,
    directions: residualBlocks === 0 ? 0 : directions / residualBlocks,
  };
}

/** √n (p − p̄)/√p̄ per block: its squares sum to Pearson's χ² of homogeneity. */
function standardisedResiduals(table: BlockTable): Float64Array[] {
  return table.counts.map((block, b) => {
    const pool = table.pooled[table.phases[b]!]!;
    const poolTotal = sumOf(pool);
    const total = table.totals[b]!;
    return Float64Array.from({ length: pool.length }, (_, k) => {
      const mean = pool[k]! / poolTotal;
      return mean === 0 ? 0 : (Math.sqrt(total) * (block[k]! / total - mean)) / Math.sqrt(mean);
    });
  });
}

/** tr(V)²/tr(V²) of the covariance of residuals, the noise of tr(V²) taken out. */
function rankOf(
  residuals: readonly Float64Array[],
  trace: number,
  degrees: number,
  directions: number,
): number {
  let squares = 0;
  for (let i = 0; i < residuals.length; i++) {
    squares += dot(residuals[i]!, residuals[i]!) ** 2;
    for (let j = 0; j < i; j++) {
      squares += 2 * dot(residuals[i]!, residuals[j]!) ** 2;
    }
  }
  const raw = squares / (degrees * degrees);
  const unbiased =
    ((raw - (trace * trace) / degrees) * degrees * degrees) / ((degrees - 1) * (degrees + 2));
  const least = (trace * trace) / directions;
  const whole = Math.max(least, unbiased);
  // Blocks that do not differ at all, such as those of a schedule, have no direction before others.
  return whole > 0 ? Math.max(1, (trace * trace) / whole) : Math.max(1, directions);
}

/** Correlation of what neighbouring blocks share beyond sampling noise, bounded to [0, 0.8]. */
function serial(residuals: readonly Float64Array[], table: BlockTable, trace: number): number {
  const between = trace - table.directions;
  // A trace within two standard errors of independence is none.
  const noise = 2 * Math.sqrt((2 * table.directions) / table.residualBlocks);
  if (between <= noise || residuals.length < 6) {
    return 0;
  }
  let sum = 0;
  for (let b = 1; b < residuals.length; b++) {
    sum += dot(residuals[b]!, residuals[b - 1]!);
  }
  const lag = sum / (residuals.length - 1) / between;
  // Residuals from a mean of K blocks understate their correlation by about (1 + 3φ)/K (Kendall).
  const corrected = lag <= 0 ? 0 : lag + (1 + 3 * lag) / residuals.length;
  return Math.min(SERIAL_MAX, corrected);
}

/** Largest variance of a cumulative share over the largest one that independent rows would have. */
function cumulativeEffect(
  table: BlockTable,
  orderedCells: number,
  degrees: number,
): number | undefined {
  if (orderedCells < 2) {
    return undefined;
  }
  const observed = new Float64Array(orderedCells - 1);
  const expected = new Float64Array(orderedCells - 1);
  table.counts.forEach((block, b) => {
    const pool = table.pooled[table.phases[b]!]!;
    const total = table.totals[b]!;
    const poolTotal = sumOf(pool);
    let share = 0;
    let mean = 0;
    for (let k = 0; k < orderedCells - 1; k++) {
      share += block[k]! / total;
      mean += pool[k]! / poolTotal;
      observed[k] = observed[k]! + (total * (share - mean) ** 2) / degrees;
      expected[k] = expected[k]! + (mean * (1 - mean)) / table.counts.length;
    }
  });
  const scale = Math.max(...expected);
  return scale > 0 ? Math.max(1, Math.max(...observed) / scale) : undefined;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += a[i]! * b[i]!;
  }
  return sum;
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i]!;
  }
  return sum;
}

/**
 * Rows that independent ones would have to number to be worth as much.
 * @param rows of a sample made of whole blocks, or of a part of one
 * @param correlation the effect's `correlation` (χ², PSI, JS) or `cumulativeCorrelation` (KS)
 * @param blocks how many blocks the sample spans; default rows over the learnt size of a block
 */
export function effectiveSampleSize(
  rows: number,
  effect: DesignEffect,
  correlation: number = effect.correlation,
  blocks: number = Math.max(1, rows / effect.blockRows),
): number {
  if (rows <= 0) {
    return 0;
  }
  const perBlock = rows / blocks;
  const inflation =
    1 + correlation * (perBlock * serialInflation(effect.serialCorrelation, blocks) - 1);
  return rows / Math.max(1, inflation);
}

/** Variance of a mean of L blocks with AR(1) dependence over that of L independent ones. */
function serialInflation(phi: number, blocks: number): number {
  let sum = 1;
  let power = phi;
  for (let lag = 1; lag < blocks && power > 1e-9; lag++) {
    sum += 2 * (1 - lag / blocks) * power;
    power *= phi;
  }
  return sum;
}

/** What the χ² test needs to know of two samples under a learnt design effect. */
export function raoScott(rowsA: number, rowsB: number, effect: DesignEffect): RaoScott {
  return {
    rowsA: effectiveSampleSize(rowsA, effect),
    rowsB: effectiveSampleSize(rowsB, effect),
    rank: effect.rank,
    degreesOfFreedom: effect.degreesOfFreedom,
  };
}

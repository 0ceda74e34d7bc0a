/**
 * The judge's checks, one function each. A guard passes when the challenger is shown not to be worse by
 * more than its margin, fails when it is worse by more beyond doubt; slices fail only beyond doubt, with
 * Holm over all of them, because with many slices a raw comparison blocks every challenger.
 */
import type { Gate, Verdict } from "../../contract/run.ts";
import { clusteredMean, holm, studentSurvival } from "../../stats/index.ts";
import { finite, percent, show } from "../show.ts";
import type { PrimaryComparison } from "./compare-primary.ts";
import type { Loss } from "./row-loss.ts";
import {
  type Cluster,
  type ScoredBlock,
  aucPair,
  pairedLosses,
  timeBlocks,
} from "./scored-block.ts";

export const MARGINS = { auc: 0.005, calibration: 0.02, slice: 0.005 } as const;
const SLICES = 10;
const ALPHA = 0.05;

export function primaryGate(comparison: PrimaryComparison): Gate {
  const { gain, difference, lossName, blocks, rows } = comparison;
  const { lowerBound, upperBound } = difference;
  const verdict = upperBound < 0 ? "PASS" : lowerBound > 0 ? "FAIL" : "INCONCLUSIVE";
  return {
    name: "primary",
    verdict,
    text: `${lossName} ${show(comparison.challengerLoss)} against the champion's ${show(comparison.championLoss)} on ${rows} rows of ${blocks} blocks: better by ${show(gain)}, one-sided 95 % bound of the difference ${show(upperBound)}`,
    numbers: {
      champion: comparison.championLoss,
      challenger: comparison.challengerLoss,
      gain,
      upperBound: finite(upperBound),
      lowerBound: finite(lowerBound),
      blocks,
      rows,
    },
  };
}

/** AUC not lower by more than 0.005, by the differences of the blocks. */
export function aucGate(block: ScoredBlock, cluster: Cluster): Gate {
  const pairs = timeBlocks(block, cluster)
    .map(({ rows }) => aucPair(block, rows))
    .filter(({ champion }) => !Number.isNaN(champion));
  const drops = pairs.map(({ champion, challenger }) => ({ sum: champion - challenger, rows: 1 }));
  const drop = clusteredMean(drops, { weighting: "blocks" });
  const verdict = nonInferior(drop, MARGINS.auc);
  return {
    name: "auc",
    verdict,
    text: `AUC ${drop.mean > 0 ? "lower" : "higher"} by ${show(Math.abs(drop.mean))}; one-sided 95 % bound of the loss ${show(drop.upperBound)}, ${MARGINS.auc} is allowed`,
    numbers: {
      champion: meanOf(pairs.map((pair) => pair.champion)),
      challenger: meanOf(pairs.map((pair) => pair.challenger)),
      drop: finite(drop.mean),
      upperBound: finite(drop.upperBound),
      margin: MARGINS.auc,
    },
  };
}

/** |mean answer − mean truth| by block not larger than the champion's by more than 0.02. */
export function calibrationGate(block: ScoredBlock, cluster: Cluster): Gate {
  const gaps = timeBlocks(block, cluster).map(({ rows }) => {
    let [champion, challenger] = [0, 0];
    for (const row of rows) {
      champion += block.champion[row]! - block.target[row]!;
      challenger += block.challenger[row]! - block.target[row]!;
    }
    return { sum: (Math.abs(challenger) - Math.abs(champion)) / rows.length, rows: 1 };
  });
  const growth = clusteredMean(gaps, { weighting: "blocks" });
  return {
    name: "calibration",
    verdict: growth.lowerBound > MARGINS.calibration ? "FAIL" : "PASS",
    text: `calibration gap ${growth.mean > 0 ? "larger" : "smaller"} by ${show(Math.abs(growth.mean))} (larger by ${MARGINS.calibration} beyond doubt fails)`,
    numbers: { growth: finite(growth.mean), lowerBound: finite(growth.lowerBound) },
  };
}

/** None of the ten largest values of a feature worse by more than 0.005 beyond doubt (Holm). */
export function sliceGate(block: ScoredBlock, cluster: Cluster, loss: Loss): Gate | null {
  const { slices } = block;
  if (slices === null) return null;
  const tested = largest(slices, block.target.length).map(({ code, rows }) => {
    const blocks = timeBlocks(block, cluster, (row) => slices.codes[row] === code);
    const sums = pairedLosses(block, blocks, loss).map((pair) => ({
      sum: pair.challenger - pair.champion,
      rows: pair.rows,
    }));
    const difference = clusteredMean(sums, { hypothesis: MARGINS.slice });
    const p =
      difference.degreesOfFreedom < 1
        ? 1
        : studentSurvival(difference.t, difference.degreesOfFreedom);
    return { value: slices.values[code] ?? "", rows, mean: difference.mean, p };
  });
  const adjusted = holm(tested.map(({ p }) => p));
  const worse = tested.filter((_, i) => (adjusted[i] ?? 1) <= ALPHA);
  const last = tested.reduce((a, b) => (b.mean > a.mean ? b : a), {
    value: "",
    rows: 0,
    mean: Number.NEGATIVE_INFINITY,
    p: 1,
  });
  return {
    name: `slices of ${slices.feature}`,
    verdict: worse.length > 0 ? "FAIL" : "PASS",
    text:
      worse.length > 0
        ? `${loss.name} worse by more than ${MARGINS.slice} beyond doubt for ${worse.map(({ value, mean }) => `"${value}" (${show(mean)})`).join(", ")}`
        : `none of the ${tested.length} largest values worse by more than ${MARGINS.slice} beyond doubt; the least good is "${last.value}" with ${show(last.mean)}`,
    numbers: {
      margin: MARGINS.slice,
      worse: worse.length,
      ...Object.fromEntries(tested.map(({ value, mean }) => [`difference ${value}`, finite(mean)])),
    },
  };
}

/** Every row answered with a finite number, as often as the champion does. */
export function answersGate(block: ScoredBlock): Gate {
  const rows = block.target.length;
  const missing = { champion: 0, challenger: 0 };
  let changed = 0;
  for (let row = 0; row < rows; row++) {
    const champion = block.champion[row]!;
    const challenger = block.challenger[row]!;
    if (!Number.isFinite(champion)) missing.champion++;
    if (!Number.isFinite(challenger)) missing.challenger++;
    if (Math.abs(champion - challenger) > 0.05) changed++;
  }
  const verdict = missing.challenger > missing.champion ? "FAIL" : "PASS";
  return {
    name: "answers",
    verdict,
    text: `${missing.challenger} of ${rows} rows without a finite answer (champion: ${missing.champion}); ${percent(changed / rows)} of the answers move by more than 0.05`,
    numbers: {
      rows,
      missingChampion: missing.champion,
      missingChallenger: missing.challenger,
      churn: changed / rows,
    },
  };
}

function nonInferior(
  drop: { readonly upperBound: number; readonly lowerBound: number },
  margin: number,
): Verdict {
  if (drop.upperBound <= margin) return "PASS";
  return drop.lowerBound > margin ? "FAIL" : "INCONCLUSIVE";
}

function largest(
  slices: NonNullable<ScoredBlock["slices"]>,
  rows: number,
): { code: number; rows: number }[] {
  const counts = new Float64Array(slices.values.length);
  for (let row = 0; row < rows; row++) counts[slices.codes[row]!]! += 1;
  return Array.from(counts, (count, code) => ({ code, rows: count }))
    .filter((slice) => slice.rows > 0)
    .sort((a, b) => b.rows - a.rows || a.code - b.code)
    .slice(0, SLICES);
}

const meanOf = (values: readonly number[]): number | null =>
  finite(values.reduce((sum, value) => sum + value, 0) / values.length);

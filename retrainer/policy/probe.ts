/** When a probe is due, on which rows it compares, and what its comparison means. */
import { immatureLabels } from "../../contract/label-coverage.ts";
import type { PrimaryComparison } from "../judge/compare-primary.ts";
import { finite, percent, show } from "../show.ts";
import type { Finding } from "./decide.ts";

const DAY_MS = 86_400_000;
/** Monday 1970-01-05 00:00 UTC: weeks are ISO weeks, and days begin at midnight with them. */
const MONDAY_MS = 4 * DAY_MS;

/** The first moment after `afterMs` that ends a period of `everyMs` counted from a Monday. */
export function nextDueMs(afterMs: number, everyMs: number): number {
  return MONDAY_MS + (Math.floor((afterMs - MONDAY_MS) / everyMs) + 1) * everyMs;
}

/** The last complete blocks of time before `atMs` that span `lengthMs`. */
export function blockBefore(
  atMs: number,
  lengthMs: number,
  clusterMs: number,
): { fromMs: number; toMs: number } {
  const toMs = Math.floor(atMs / clusterMs) * clusterMs;
  return { fromMs: toMs - Math.max(clusterMs, Math.round(lengthMs / clusterMs) * clusterMs), toMs };
}

/** Of the rows of a block that are not quarantined. */
export interface BlockLabels {
  readonly predictions: number;
  readonly labelled: number;
  /** Days or hours of the block with labelled rows, and how many it has. */
  readonly blocks: number;
  readonly blocksWanted: number;
  /** Those of which all rows are quarantined: they lack no labels. */
  readonly blocksExcluded: number;
  /** Of the labelled rows, those that are compared on; 1: all. */
  readonly sampleShare: number;
}

/** Standard deviations below the maximum at which a sample aims: its size is a binomial one. */
const SAMPLE_MARGIN = 5;

/** The share of `labelled` rows to draw so that at most `rowsMax` are drawn. */
export function sampleShare(labelled: number, rowsMax: number): number {
  if (labelled <= rowsMax) return 1;
  return Math.max(0, rowsMax - SAMPLE_MARGIN * Math.sqrt(rowsMax)) / labelled;
}

/** What of a block was not compared on, as the end of a sentence; empty where all was. */
export function labelsNote(labels: BlockLabels): string {
  const { sampleShare: share, labelled } = labels;
  const sample =
    share === 1
      ? ""
      : `; compared on an even sample of ${percent(share)} of the ${labelled} labelled rows`;
  return excludedNote(labels) + sample;
}

function excludedNote({ blocksExcluded: excluded, blocksWanted: wanted }: BlockLabels): string {
  if (excluded === 0) return "";
  return `; ${excluded} of the ${wanted} days of the block ${excluded === 1 ? "is" : "are"} quarantined whole and left out`;
}

/** Null where the labels of a block are mature enough to compare on; else why not. */
export function immaturity(labels: BlockLabels, trainRows: number, rowsMin: number): string | null {
  const why = missingEvidence(labels, trainRows, rowsMin);
  return why === null ? null : `${why}${excludedNote(labels)}`;
}

function missingEvidence(labels: BlockLabels, trainRows: number, rowsMin: number): string | null {
  const sound = labels.blocksWanted - labels.blocksExcluded;
  if (labels.labelled === 0) return "No labelled prediction in the block to compare on";
  if (labels.blocks < sound) {
    return `Labels are there for ${labels.blocks} of the ${sound} days of the block`;
  }
  const immature = immatureLabels(labels, "the block");
  if (immature !== null) return immature;
  if (trainRows < rowsMin) {
    return `Too few rows to train on: ${trainRows} of at least ${rowsMin} ("retrain.window.minimum_rows")`;
  }
  return null;
}

export interface ProbeNumbers {
  readonly trainRows: number;
  readonly labels: BlockLabels;
  readonly recalibrationGain: number | null;
  readonly device: string | null;
}

/** A refit is due to replace the champion when it gains enough and the gain is beyond doubt. */
export function probeFinding(
  comparison: PrimaryComparison,
  gainMin: number,
  probe: ProbeNumbers,
): Finding {
  const { gain, difference, championLoss, challengerLoss, lossName } = comparison;
  const due = gain >= gainMin && difference.upperBound < 0;
  const { recalibrationGain, labels } = probe;
  const share = recalibrationGain === null || gain <= 0 ? null : recalibrationGain / gain;
  const better = gain >= 0 ? "better" : "worse";
  const verdict = due
    ? `at least ${gainMin} and beyond doubt`
    : gain < gainMin
      ? `less than the ${gainMin} that is asked for`
      : "not beyond doubt";
  return {
    kind: "found",
    due,
    reason: `A refit is ${better} by ${show(Math.abs(gain))} ${lossName} (${show(championLoss)} → ${show(challengerLoss)}; one-sided 95 % bound of the difference ${show(difference.upperBound)}): ${verdict}${labelsNote(labels)}`,
    numbers: {
      gain,
      gainWanted: gainMin,
      upperBound: finite(difference.upperBound),
      lower: finite(difference.lower),
      upper: finite(difference.upper),
      t: finite(difference.t),
      blocks: comparison.blocks,
      rows: comparison.rows,
      champion: championLoss,
      challenger: challengerLoss,
      coverage: labels.predictions === 0 ? null : labels.labelled / labels.predictions,
      blocksExcluded: labels.blocksExcluded,
      sampleShare: labels.sampleShare,
      trainRows: probe.trainRows,
      recalibrationGain,
      recalibrationShare: share,
      device: probe.device,
    },
    recalibrationShare: share,
  };
}

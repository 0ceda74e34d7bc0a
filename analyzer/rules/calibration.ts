/**
 * Calibration in the large over the 14 complete days before a Monday: the model says too much or too
 * little, by enough to matter and beyond what days differ anyway.
 */
import { type LabelCounts, coverageOf, immatureLabels } from "../../contract/label-coverage.ts";
import { studentQuantile } from "../../stats/index.ts";
import { type BlockSums, calibrationOf } from "../performance/metrics.ts";

export const CALIBRATION_DAYS = 14;
const GAP_MIN = 0.05;
const CONFIDENCE = 0.95;

export interface CalibrationVerdict {
  readonly breach: boolean;
  /** Mean prediction less share of positives. */
  readonly gap: number;
  readonly lower: number;
  readonly upper: number;
  readonly t: number;
  readonly tMin: number;
  readonly days: number;
  readonly rows: number;
  readonly coverage: number;
  readonly reason: string;
}

/**
 * @param days sums by day, quarantined rows left out
 * @param labels of the whole span: a gap on few of the labels is no breach
 */
export function judgeCalibration(
  days: readonly BlockSums[],
  labels: LabelCounts,
): CalibrationVerdict {
  const bias = calibrationOf(days);
  const complete = bias.blocks >= CALIBRATION_DAYS;
  const tMin = complete
    ? Math.round(studentQuantile((1 + CONFIDENCE) / 2, bias.degreesOfFreedom) * 100) / 100
    : Number.POSITIVE_INFINITY;
  const immature = immatureLabels(labels, "the fortnight");
  const breach =
    complete && immature === null && Math.abs(bias.mean) >= GAP_MIN && Math.abs(bias.t) >= tMin;
  const { mean: gap, lower, upper, t, blocks, rows } = bias;
  return {
    breach,
    gap,
    lower,
    upper,
    t,
    tMin,
    days: blocks,
    rows,
    coverage: coverageOf(labels),
    reason: reasonOf(),
  };

  function reasonOf(): string {
    if (!complete) return `only ${blocks} of ${CALIBRATION_DAYS} days have labels`;
    if (immature !== null) return lowerFirst(immature);
    const beyond = `95 % interval [${lower.toFixed(3)}, ${upper.toFixed(3)}], t = ${t.toFixed(2)}`;
    return `mean prediction less share of positives is ${signed(gap)} over ${blocks} days (${beyond})`;
  }
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** With a real minus sign, and a plus. */
const signed = (gap: number): string => `${gap < 0 ? "−" : "+"}${Math.abs(gap).toFixed(3)}`;

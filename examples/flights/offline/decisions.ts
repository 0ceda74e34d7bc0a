/** The decisions of a Monday, as FLIGHTS states them: pure functions of blocks, with their numbers. */
import {
  type BlockSum,
  clusteredDifference,
  clusteredMean,
  type PairedBlockSum,
} from "../../../stats/index.ts";

/** A refit must be better by this much log-loss before a run starts. */
export const PROBE_GAIN_MIN = 0.0065;
/** Days of the block on which champion and challenger are compared. */
export const PROBE_DAYS = 7;
/** Calibration in the large: how far off, and how sure (13 degrees of freedom). */
export const CALIBRATION_GAP_MIN = 0.05;
export const CALIBRATION_T_MIN = 2.16;
export const CALIBRATION_DAYS = 14;

export interface ProbeDecision {
  readonly decision: "RETRAIN" | "WAIT" | "INVESTIGATE";
  readonly reason: string;
  /** Log-loss of the champion less that of the refit. */
  readonly gain: number;
  /** Upper one-sided 95 % bound of the difference (refit less champion). */
  readonly upperBound: number;
  readonly rows: number;
}

/** @param isDataBroken an input is broken now, or was less than two clean days ago */
export function decideProbe(
  blocks: readonly PairedBlockSum[],
  isDataBroken: boolean,
): ProbeDecision {
  const difference = clusteredDifference(blocks);
  const numbers = {
    gain: -difference.mean,
    upperBound: difference.upperBound,
    rows: difference.rows,
  };
  if (!(numbers.gain >= PROBE_GAIN_MIN)) {
    return { decision: "WAIT", reason: "gain_too_small", ...numbers };
  }
  if (!(numbers.upperBound < 0)) {
    return { decision: "WAIT", reason: "not_beyond_doubt", ...numbers };
  }
  if (isDataBroken) return { decision: "INVESTIGATE", reason: "data_broken", ...numbers };
  return { decision: "RETRAIN", reason: "probe_better", ...numbers };
}

export interface CalibrationDecision {
  readonly isFiring: boolean;
  /** Mean prediction less share of late flights. */
  readonly gap: number;
  readonly t: number;
}

/** @param blocks prediction less outcome, by day */
export function decideCalibration(blocks: readonly BlockSum[]): CalibrationDecision {
  const bias = clusteredMean(blocks);
  const isFiring =
    Math.abs(bias.mean) >= CALIBRATION_GAP_MIN && Math.abs(bias.t) >= CALIBRATION_T_MIN;
  return { isFiring, gap: bias.mean, t: bias.t };
}

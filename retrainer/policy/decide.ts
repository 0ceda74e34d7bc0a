/**
 * What to do about a model at one moment. Pure: the evidence goes in, a decision with its reason and
 * numbers comes out. Broken data beat everything that is due; what is not proven waits.
 */
import type { Decision, LoopMode, Numbers } from "../../contract/run.ts";
import { showTime } from "../show.ts";
import type { Cooldown } from "./cooldown.ts";
import { type QuarantineEntry, isOpen } from "./quarantine.ts";

/** Share of the probe's gain from which recalibration is enough. */
export const RECALIBRATION_ENOUGH = 0.8;

/** What a trigger found; `unable` is evidence that is missing, not evidence against. */
export type Finding =
  | {
      readonly kind: "unable";
      readonly reason: string;
      readonly numbers: Numbers;
    }
  | {
      readonly kind: "found";
      readonly due: boolean;
      readonly reason: string;
      readonly numbers: Numbers;
      /** Null where it was not computed. */
      readonly recalibrationShare: number | null;
    };

export interface Evidence {
  readonly atMs: number;
  readonly finding: Finding;
  readonly quarantine: QuarantineEntry | null;
  readonly cooldown: Cooldown;
  readonly mode: LoopMode;
  readonly recalibrate: "when-enough" | "off";
  /** Id of a run that is under way. */
  readonly runInFlight: string | null;
}

export interface Outcome {
  readonly decision: Decision;
  /** Whether a run starts; else the decision is only reported. */
  readonly acts: boolean;
  readonly reason: string;
  readonly numbers: Numbers;
}

export function decide(evidence: Evidence): Outcome {
  const { finding, quarantine, runInFlight } = evidence;
  const numbers = finding.numbers;
  const wait = (reason: string): Outcome => ({ decision: "WAIT", acts: false, reason, numbers });
  if (finding.kind === "unable") return wait(finding.reason);
  if (!finding.due) return wait(finding.reason);
  if (quarantine !== null) {
    return {
      decision: "INVESTIGATE",
      acts: false,
      reason: `A run is due (${lowerFirst(finding.reason)}) and blocked: ${quarantineText(quarantine)}`,
      numbers: { ...numbers, quarantine: quarantine.id },
    };
  }
  if (runInFlight !== null) {
    return wait(`${finding.reason}; run "${runInFlight}" is under way and only one may be`);
  }
  return due(evidence, finding);
}

function due(evidence: Evidence, finding: Extract<Finding, { kind: "found" }>): Outcome {
  const { mode, cooldown, recalibrate } = evidence;
  const share = finding.recalibrationShare;
  const enough = recalibrate === "when-enough" && share !== null && share >= RECALIBRATION_ENOUGH;
  const decision = enough ? "RECALIBRATE" : "RETRAIN";
  const reason = enough
    ? `${finding.reason}; recalibration alone gives ${(share * 100).toFixed(0)} % of the gain, which is enough`
    : finding.reason;
  const { numbers } = finding;
  if (mode === "paused") {
    return { decision, acts: false, reason: `${reason}; the loop is paused`, numbers };
  }
  if (mode === "observe") {
    return { decision, acts: false, reason: `${reason}; observed only (mode observe)`, numbers };
  }
  if (cooldown.kind !== "ready") {
    return {
      decision: "WAIT",
      acts: false,
      reason: `${reason}; waiting until ${showTime(cooldown.untilMs)}, as ${cooldown.reason}`,
      numbers,
    };
  }
  return { decision, acts: true, reason, numbers };
}

function quarantineText(entry: QuarantineEntry): string {
  const rows = entry.tag === "" ? "all rows" : `rows with ${entry.tag} ${entry.values.join(", ")}`;
  const state = isOpen(entry) ? "are broken" : "were broken until less than two clean days ago";
  return `${rows} ${state} since ${showTime(entry.fromMs)}: ${entry.reason}`;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

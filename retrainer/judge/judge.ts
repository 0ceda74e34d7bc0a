/**
 * The verdict on a challenger: PASS only if the primary metric is better beyond doubt and every guard
 * holds, FAIL if it is worse beyond doubt or a guard fails, INCONCLUSIVE else. Pure: the same answers
 * give the same verdict.
 */
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { Gate, Judgement, Verdict } from "../../contract/run.ts";
import { type PrimaryComparison, comparePrimary } from "./compare-primary.ts";
import { answersGate, aucGate, calibrationGate, primaryGate, sliceGate } from "./gates.ts";
import { lossOf } from "./row-loss.ts";
import type { Cluster, ScoredBlock } from "./scored-block.ts";

export interface JudgeRules {
  readonly task: OnboardingDocument["task"];
  readonly quality: OnboardingDocument["quality"];
  readonly cluster: Cluster;
}

export interface Latency {
  readonly championMs: number;
  readonly challengerMs: number;
}

export const rulesOf = (document: OnboardingDocument): JudgeRules => ({
  task: document.task,
  quality: document.quality,
  cluster: document.retrain.judge.cluster,
});

/** Regressions have no probabilities: metrics of classes fall back to the absolute error. */
export function primaryLoss(rules: JudgeRules) {
  const { primary } = rules.quality;
  const ofValues = primary === "mae" || primary === "rmse";
  if (rules.task.type === "regression" && !ofValues) return lossOf("mae", rules.task.threshold);
  return lossOf(primary, rules.task.threshold);
}

export function compare(block: ScoredBlock, rules: JudgeRules): PrimaryComparison {
  return comparePrimary(block, rules.cluster, primaryLoss(rules));
}

/** @param blockUses how many challengers this block has judged, this one included */
export function judge(
  block: ScoredBlock,
  rules: JudgeRules,
  latency: Latency,
  blockUses: number,
): Judgement {
  const loss = primaryLoss(rules);
  const gates: Gate[] = [primaryGate(comparePrimary(block, rules.cluster, loss))];
  const isBinary = rules.task.type === "binary";
  if (isBinary && rules.quality.guards.includes("auc")) gates.push(aucGate(block, rules.cluster));
  if (isBinary && rules.quality.guards.includes("calibration")) {
    gates.push(calibrationGate(block, rules.cluster));
  }
  const slices = loss.ofRow === null ? null : sliceGate(block, rules.cluster, loss);
  if (slices !== null) gates.push(slices);
  gates.push(answersGate(block), latencyGate(latency));
  const verdict = verdictOf(gates);
  return {
    verdict,
    reason: reasonOf(verdict, gates),
    gates,
    block: { fromMs: block.fromMs, toMs: block.toMs },
    rows: block.target.length,
    blockUses,
  };
}

/** Reported, never a reason to refuse: the machine that judges is not the one that serves. */
function latencyGate({ championMs, challengerMs }: Latency): Gate {
  const ratio = challengerMs / championMs;
  return {
    name: "latency",
    verdict: "PASS",
    text: `scoring took ${ratio.toFixed(2)} × the champion's time`,
    numbers: { ratio: Number.isFinite(ratio) ? ratio : null },
  };
}

export function verdictOf(gates: readonly Gate[]): Verdict {
  for (const verdict of ["ERROR", "FAIL", "INCONCLUSIVE"] as const) {
    if (gates.some((gate) => gate.verdict === verdict)) return verdict;
  }
  return "PASS";
}

function reasonOf(verdict: Verdict, gates: readonly Gate[]): string {
  const [primary] = gates;
  if (verdict === "PASS") return `${primary?.text ?? ""}; every guard holds`;
  return gates
    .filter((gate) => gate.verdict === verdict)
    .map((gate) => `${gate.name}: ${gate.text}`)
    .join("; ");
}

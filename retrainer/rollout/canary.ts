/**
 * What a canary may be taken back for: errors, missing answers, latency and a grossly worse loss, compared
 * by the hour between the two arms. The tests hold at every look together, because they are looked at each
 * hour; a day proves no gain, so none is asked for.
 */
import type { Gate, Verdict } from "../../contract/run.ts";
import { LIMITS } from "../../contract/limits.ts";
import { sequentialTest } from "../../stats/index.ts";
import { finite, percent, show } from "../show.ts";

export interface ArmHour {
  readonly hourMs: number;
  readonly n: number;
  readonly errors: number;
  readonly missing: number;
  readonly latencyN: number;
  readonly latencySum: number;
  /** Labelled rows and the sum of their losses. */
  readonly labelled: number;
  readonly loss: number;
}

export interface CanaryArms {
  readonly champion: readonly ArmHour[];
  readonly challenger: readonly ArmHour[];
}

export interface CanaryJudgement {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly gates: readonly Gate[];
}

/** How much worse is gross; log-loss or absolute error for `loss`, shares, a factor for `latency`. */
export const GROSS = { errors: 0.01, missing: 0.01, loss: 0.05, latencyFactor: 2 } as const;
/** Of being taken back with no difference, over all looks. */
const ALPHA = 0.01;
const HOURS_MIN = 5;
/** No statistics are needed for a burst like this. */
const BURST = { rows: 50, share: 0.2, ofChampion: 0.05 } as const;

/** @param final whether the step ends: then a canary without traffic is inconclusive, before it is not yet known */
export function judgeCanary(arms: CanaryArms, final: boolean): CanaryJudgement {
  const gates = [
    trafficGate(arms, final),
    shareGate(arms, "errors"),
    shareGate(arms, "missing"),
    latencyGate(arms),
    lossGate(arms),
  ];
  const failed = gates.filter(({ verdict }) => verdict === "FAIL");
  const open = gates.filter(({ verdict }) => verdict === "INCONCLUSIVE");
  const verdict: Verdict = failed.length > 0 ? "FAIL" : open.length > 0 ? "INCONCLUSIVE" : "PASS";
  const telling = failed.length > 0 ? failed : open.length > 0 ? open : gates;
  return { verdict, reason: telling.map(({ text }) => text).join("; "), gates };
}

function trafficGate(arms: CanaryArms, final: boolean): Gate {
  const n = sum(arms.challenger, "n");
  const enough = n >= LIMITS.canaryRowsMin;
  return {
    name: "traffic",
    verdict: enough || !final ? "PASS" : "INCONCLUSIVE",
    text: `${n} requests reached the new version${enough || !final ? "" : `, ${LIMITS.canaryRowsMin} are needed: no news is not good news`}`,
    numbers: { challenger: n, champion: sum(arms.champion, "n") },
  };
}

function shareGate(arms: CanaryArms, of: "errors" | "missing"): Gate {
  const name = of === "errors" ? "errors" : "missing answers";
  const [rows, championRows] = [sum(arms.challenger, "n"), sum(arms.champion, "n")];
  const share = rows === 0 ? 0 : sum(arms.challenger, of) / rows;
  const championShare = championRows === 0 ? 0 : sum(arms.champion, of) / championRows;
  const burst = rows >= BURST.rows && share >= BURST.share && championShare < BURST.ofChampion;
  const test = hourly(arms, GROSS[of], (hour) => (hour.n === 0 ? null : hour[of] / hour.n));
  return {
    name,
    verdict: burst || test.worse ? "FAIL" : "PASS",
    text: `${name} ${percent(share)} against ${percent(championShare)}`,
    numbers: { challenger: share, champion: championShare, pValue: test.pValue },
  };
}

function latencyGate(arms: CanaryArms): Gate {
  const mean = (hour: ArmHour): number | null =>
    hour.latencyN === 0 || hour.latencySum <= 0 ? null : Math.log(hour.latencySum / hour.latencyN);
  const test = hourly(arms, Math.log(GROSS.latencyFactor), mean);
  const ratio = Math.exp(test.mean);
  return {
    name: "latency",
    verdict: test.worse ? "FAIL" : "PASS",
    text: Number.isFinite(ratio) ? `latency ${ratio.toFixed(2)} × the champion's` : "no latencies",
    numbers: { ratio: finite(ratio), pValue: test.pValue },
  };
}

function lossGate(arms: CanaryArms): Gate {
  const mean = (hour: ArmHour): number | null =>
    hour.labelled === 0 ? null : hour.loss / hour.labelled;
  const test = hourly(arms, GROSS.loss, mean);
  return {
    name: "loss",
    verdict: test.worse ? "FAIL" : "PASS",
    text: Number.isFinite(test.mean)
      ? `loss differs by ${show(test.mean)} over ${test.hours} hours (worse by ${GROSS.loss} beyond doubt is gross)`
      : "no labels yet",
    numbers: { difference: finite(test.mean), hours: test.hours, pValue: test.pValue },
  };
}

interface HourlyTest {
  readonly mean: number;
  readonly hours: number;
  readonly pValue: number;
  /** Worse by more than the margin, at all looks together. */
  readonly worse: boolean;
}

/** Differences of hours that both arms have, each reduced by the margin that is tolerated. */
function hourly(
  arms: CanaryArms,
  margin: number,
  figure: (hour: ArmHour) => number | null,
): HourlyTest {
  const champion = new Map(arms.champion.map((hour) => [hour.hourMs, hour]));
  const differences = arms.challenger.flatMap((hour) => {
    const other = champion.get(hour.hourMs);
    const [mine, theirs] = [figure(hour), other === undefined ? null : figure(other)];
    return mine === null || theirs === null ? [] : [mine - theirs];
  });
  const excess = differences.map((difference) => difference - margin);
  const sums = {
    rows: excess.length,
    sum: excess.reduce((total, value) => total + value, 0),
    sumOfSquares: excess.reduce((total, value) => total + value * value, 0),
  };
  const test = sequentialTest(sums, margin, ALPHA);
  const mean = differences.reduce((total, value) => total + value, 0) / differences.length;
  const worse = excess.length >= HOURS_MIN && test.mean > 0 && test.lower > 0;
  return { mean, hours: differences.length, pValue: test.pValue, worse };
}

const sum = (hours: readonly ArmHour[], of: "n" | "errors" | "missing"): number =>
  hours.reduce((total, hour) => total + hour[of], 0);

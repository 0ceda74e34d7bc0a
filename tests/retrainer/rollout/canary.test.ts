import { describe, expect, test } from "vitest";
import { type ArmHour, judgeCanary } from "../../../retrainer/rollout/canary.ts";
import { proofOf } from "../../../retrainer/rollout/proof.ts";
import { parseSteps } from "../../../retrainer/rollout/steps.ts";
import { seededRandom } from "../../../runtime/random.ts";

const HOUR_MS = 3_600_000;
const hours = (
  count: number,
  rows: number,
  of: (hour: number, random: () => number) => Partial<ArmHour>,
  seed: number,
): ArmHour[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, hour) => ({
    hourMs: hour * HOUR_MS,
    n: rows,
    errors: 0,
    missing: 0,
    latencyN: rows,
    latencySum: rows * 0.002 * (1 + random.next() * 0.2),
    labelled: rows,
    loss: rows * (0.5 + (random.next() - 0.5) * 0.2),
    ...of(hour, random.next),
  }));
};
const champion = hours(24, 600, () => ({}), 1);

describe("a canary", () => {
  test("is held when it does as the champion does", () => {
    const same = hours(24, 60, () => ({}), 2);
    expect(judgeCanary({ champion, challenger: same }, true).verdict).toBe("PASS");
  });
  test("is not taken back by a stormy day that both arms share", () => {
    const storm = (hour: number) => ({ loss: 60 * (0.9 + (hour % 3) * 0.1) });
    const both = hours(24, 600, (hour) => ({ loss: 600 * (0.9 + (hour % 3) * 0.1) }), 3);
    const arms = { champion: both, challenger: hours(24, 60, storm, 4) };
    expect(judgeCanary(arms, true).verdict).toBe("PASS");
  });
  test("is taken back at once for a burst of errors", () => {
    const failing = hours(2, 60, () => ({ errors: 20 }), 5);
    const judged = judgeCanary({ champion, challenger: failing }, false);
    expect(judged.verdict).toBe("FAIL");
    expect(judged.reason).toBe("errors 33.3 % against 0.0 %");
  });
  test("is taken back for a loss that is grossly worse hour after hour", () => {
    const worse = hours(24, 60, (_, random) => ({ loss: 60 * (0.8 + random() * 0.2) }), 6);
    expect(judgeCanary({ champion, challenger: worse }, true).reason).toMatch(
      /loss differs by 0\.\d+/,
    );
  });
  test("is taken back for being three times as slow", () => {
    const slow = hours(24, 60, (_, random) => ({ latencySum: 0.36 * (1 + random() * 0.2) }), 7);
    expect(judgeCanary({ champion, challenger: slow }, true).reason).toMatch(
      /^latency 2\.\d+ ×|^latency 3/,
    );
  });
  test("proves nothing without traffic: no news is not good news", () => {
    expect(judgeCanary({ champion, challenger: [] }, false).verdict).toBe("PASS");
    expect(judgeCanary({ champion, challenger: [] }, true).verdict).toBe("INCONCLUSIVE");
  });
  test("without a difference is taken back by any look in at most 2 of 100 worlds", () => {
    let undone = 0;
    for (let seed = 0; seed < 100; seed++) {
      const arms = {
        champion: hours(24, 600, () => ({}), 1_000 + seed),
        challenger: hours(24, 60, (_, random) => ({ loss: 60 * (0.2 + random() * 0.6) }), seed),
      };
      const looks = arms.challenger.map((_, i) =>
        judgeCanary({ ...arms, challenger: arms.challenger.slice(0, i + 1) }, false),
      );
      if (looks.some(({ verdict }) => verdict === "FAIL")) undone++;
    }
    expect(undone).toBeLessThanOrEqual(2);
  });
});

describe("the proof of shares", () => {
  const all = [{ version: "2", share: 1 }];
  const canary = [
    { version: "1", share: 0.9 },
    { version: "2", share: 0.1 },
  ];
  test("needs twenty answers of the one version", () => {
    expect(proofOf({ answers: { "2": 8 }, requests: 8 }, all).kind).toBe("open");
    expect(proofOf({ answers: { "2": 24 }, requests: 24 }, all).kind).toBe("proven");
  });
  test("is refuted by one answer of another version", () => {
    expect(proofOf({ answers: { "2": 23, "1": 1 }, requests: 24 }, all)).toEqual({
      kind: "refuted",
      reason: 'the server answers with version "1" instead of "2"',
    });
  });
  test("of a canary needs an answer of both, in a plausible number", () => {
    expect(proofOf({ answers: { "1": 24 }, requests: 24 }, canary).kind).toBe("open");
    expect(proofOf({ answers: { "1": 22, "2": 2 }, requests: 24 }, canary).kind).toBe("proven");
    expect(proofOf({ answers: { "1": 4, "2": 20 }, requests: 24 }, canary).kind).toBe("refuted");
    expect(proofOf({ answers: { "1": 400 }, requests: 400 }, canary).kind).toBe("refuted");
  });
});

describe("roll-out steps", () => {
  test("grow, last, and end with all requests", () => {
    const day = 86_400_000;
    expect(parseSteps(["10% 1d", "100%"])).toEqual([
      { share: 0.1, lastsMs: day },
      { share: 1, lastsMs: 0 },
    ]);
    expect(parseSteps(["5% 1h", "25% 1d"]).at(-1)).toEqual({ share: 1, lastsMs: 0 });
  });
  test("are refused when they could not be meant so", () => {
    for (const steps of [["10%"], ["shadow 1d"], ["50% 1d", "10% 1d"], ["0% 1d"], ["120%"]]) {
      expect(() => parseSteps(steps)).toThrow(/Cannot read the roll-out step/);
    }
  });
});

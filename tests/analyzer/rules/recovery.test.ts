import { describe, expect, it } from "vitest";
import { type Episode, OK, advanceEpisode } from "../../../analyzer/alerts/episode.ts";
import { type AlertBook, type AlertDraft, observe } from "../../../analyzer/alerts/alert-book.ts";
import { judgeErrorShare } from "../../../analyzer/rules/error-share.ts";
import { STEP_MS } from "../../../analyzer/rules/steps.ts";
import {
  type CountedStep,
  type RecoveryRule,
  countsAsBad,
  isRecovered,
} from "../../../analyzer/rules/recovery.ts";
import { seededRandom } from "../../../runtime/random.ts";

const draft: AlertDraft = {
  ...{
    kind: "error-share",
    subject: "",
    severity: "page",
    cause: "unknown",
    title: "t",
    text: "t",
  },
  ...{ cost: "none", causeText: "c", where: "all", certainty: "c", loop: "nothing", numbers: {} },
  ...{ finding: null, windows: [] },
};
const RULE: RecoveryRule = { promised: 0.01, pMax: 1e-3, designEffect: 1 };

/** Steps from time 0, newest last: rows and how many of them are bad. */
const steps = (...counts: readonly (readonly [number, number])[]): CountedStep[] =>
  counts.map(([rows, bad], i) => ({ endMs: (i + 1) * STEP_MS, rows, bad }));

describe("a fault is over", () => {
  it.each<[string, CountedStep[], boolean]>([
    ["once many requests succeed", steps([2_000, 400], [2_000, 3]), true],
    ["not while it goes on", steps([2_000, 400], [2_000, 380]), false],
    ["not by two good requests", steps([80, 60], [2, 0]), false],
    ["once enough few requests succeed", steps([80, 60], [8, 0], [8, 0]), true],
    ["not while a lesser one goes on", steps([2_000, 400], [2_000, 100]), false],
    ["not where none was", steps([2_000, 3], [2_000, 4]), false],
    ["not in silence", steps([2_000, 400]), false],
  ])("%s", (_name, given, over) => {
    expect(isRecovered(given, RULE)).toBe(over);
  });

  it("is seldom said of one that goes on, and soon of one that is", () => {
    const random = seededRandom(5);
    const draw = (rows: number, share: number): number =>
      Array.from({ length: rows }, () => random.next()).filter((x) => x < share).length;
    let wrong = 0;
    const lasted: number[] = [];
    for (let trial = 0; trial < 200; trial++) {
      const bad = Array.from({ length: 12 }, () => [80, draw(80, 0.05)] as const);
      if (isRecovered(steps(...bad), RULE)) wrong++;
      const after: (readonly [number, number])[] = [];
      do after.push([80, draw(80, 0.002)]);
      while (after.length < 12 && !isRecovered(steps(...[...bad, ...after].slice(-12)), RULE));
      lasted.push(after.length);
    }
    expect(wrong).toBeLessThanOrEqual(4);
    // Five in a hundred of 80 requests a step: half an hour, most of the time.
    expect(lasted.toSorted((a, b) => a - b)[100]).toBeLessThanOrEqual(7);
  });

  it("ends an alert three good steps after the fault, not an hour later, and begins none anew", () => {
    const counts = [
      ...Array.from({ length: 12 }, () => [2_000, 2] as const),
      ...Array.from({ length: 3 }, () => [2_000, 400] as const),
      ...Array.from({ length: 14 }, () => [2_000, 2] as const),
    ].map(([rows, errors], i) => ({ endMs: (i + 1) * STEP_MS, rows, errors }));
    const bad = counts.map(({ endMs }, i) =>
      countsAsBad(judgeErrorShare(counts.slice(Math.max(0, i - 11), i + 1), endMs, 0.01), false),
    );
    expect(bad.flatMap((isBad, i) => (isBad ? [i] : []))).toEqual([12, 13, 14]);
  });

  it("is another alert when it comes again within the hour, with a beginning of its own", () => {
    const share = (step: number): number => ((step >= 12 && step < 15) || step >= 20 ? 0.2 : 0);
    const given: { endMs: number; rows: number; errors: number }[] = [];
    let book: AlertBook = {};
    const told: [string, string, number][] = [];
    for (let step = 0; step < 26; step++) {
      const endMs = (step + 1) * STEP_MS;
      given.push({ endMs, rows: 2_000, errors: Math.round(2_000 * share(step)) });
      const verdict = judgeErrorShare(given.slice(-12), endMs, 0.01);
      const isPending = book["error-share/"]?.episode.status === "pending";
      const breach = countsAsBad(verdict, isPending);
      if (!breach && book["error-share/"] === undefined) continue;
      const seen = { breach, fromMs: verdict.fromMs, toMs: verdict.toMs, openedMs: endMs };
      const hysteresis = { breachesToFire: 2, cleanToResolve: 3 };
      const next = observe(book, "m", draft, seen, endMs, hysteresis);
      book = next.book;
      if (next.revision?.notify === true) {
        const { id, state, fromMs } = next.revision;
        told.push([id, state, fromMs / STEP_MS]);
      }
    }
    expect(told.map(([, state, from]) => [state, from])).toEqual([
      ["firing", 12],
      ["resolved", 12],
      ["firing", 20],
    ]);
    expect(new Set(told.map(([id]) => id)).size).toBe(2);
  });

  it("sees a new fault of few requests behind good steps of many", () => {
    const given = steps(
      ...Array.from({ length: 3 }, () => [10_000, 2_000] as const),
      ...Array.from({ length: 6 }, () => [10_000, 0] as const),
      [60, 60],
    );
    expect(isRecovered(given.slice(0, -1), RULE)).toBe(true);
    expect(isRecovered(given, RULE)).toBe(false);
  });

  it("does not make several alerts of one fault, be there few requests", () => {
    const random = seededRandom(11);
    let several = 0;
    const minutesAfter: number[] = [];
    for (let trial = 0; trial < 150; trial++) {
      const given: { endMs: number; rows: number; errors: number }[] = [];
      let episode: Episode = OK;
      let fired = 0;
      let endedAt = 0;
      // Two hours at one in ten, twelve requests in five minutes, and two hours without a failure.
      for (let step = 0; step < 48; step++) {
        const share = step < 24 ? 0.1 : 0;
        const errors = Array.from({ length: 12 }, () => random.next()).filter((x) => x < share);
        given.push({ endMs: (step + 1) * STEP_MS, rows: 12, errors: errors.length });
        const endMs = (step + 1) * STEP_MS;
        const verdict = judgeErrorShare(given.slice(-12), endMs, 0.01);
        const breach = countsAsBad(verdict, episode.status === "pending");
        const hysteresis = { breachesToFire: 2, cleanToResolve: 3 };
        const next = advanceEpisode(episode, { ...verdict, breach }, endMs, hysteresis);
        if (next.change === "firing") fired++;
        if (next.change === "resolved") endedAt = step;
        episode = next.episode;
      }
      if (fired !== 1) several++;
      minutesAfter.push((endedAt - 23) * 5);
    }
    expect(several).toBeLessThanOrEqual(3);
    // The rule alone would forget the fault an hour and a quarter later.
    expect(minutesAfter.toSorted((a, b) => a - b)[75]).toBeLessThanOrEqual(60);
  });

  it("tells of a burst that is over when it is confirmed", () => {
    expect(countsAsBad({ breach: true, recovered: true }, true)).toBe(true);
    expect(countsAsBad({ breach: true, recovered: true }, false)).toBe(false);
    expect(countsAsBad({ breach: false, recovered: false }, true)).toBe(false);
  });
});

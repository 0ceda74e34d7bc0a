import { describe, expect, it } from "vitest";
import { type AlertBook, type AlertDraft, observe } from "../../../analyzer/alerts/alert-book.ts";

const draft = (text: string, window: string): AlertDraft => ({
  kind: "calibration",
  subject: "",
  severity: "ticket",
  cause: "world",
  title: "Predictions are too high",
  text,
  cost: "",
  causeText: "",
  where: "all rows",
  certainty: "",
  loop: "",
  numbers: { gap: 0.06 },
  finding: null,
  windows: [window],
});
const WEEK = 7 * 86_400_000;

/** One evaluation a week. */
function weeks(breaches: readonly boolean[]) {
  let book: AlertBook = {};
  return breaches.map((breach, week) => {
    const seen = { breach, fromMs: week * WEEK, toMs: (week + 1) * WEEK };
    const step = observe(book, "m", draft(`week ${week}`, `w${week}`), seen, seen.toMs);
    book = step.book;
    return step.revision;
  });
}

describe("the book of alerts", () => {
  it("gives each episode one id and one revision per change of state", () => {
    const [, first, , over, , second] = weeks([false, true, true, false, false, true]);
    expect(first).toMatchObject({ state: "firing", revision: 1, fromMs: WEEK, toMs: null });
    expect(over).toMatchObject({ id: first?.id, state: "resolved", revision: 2 });
    expect(over).toMatchObject({ fromMs: WEEK, toMs: 3 * WEEK, firedMs: 2 * WEEK });
    expect(second?.id).not.toBe(first?.id);
  });

  it("is the same when the same windows are evaluated again", () => {
    expect(weeks([true, false, true])).toEqual(weeks([true, false, true]));
  });

  it("keeps what the bad windows showed when a good one resolves it", () => {
    const over = weeks([true, true, false])[2];
    expect(over?.draft.text).toBe("week 1");
    expect(over?.draft.windows).toEqual(["w0", "w1"]);
  });

  it("digests what the verdict was computed from", () => {
    const [a] = weeks([true]);
    const step = observe(
      {},
      "m",
      { ...draft("week 0", "w0"), numbers: { gap: 0.07 } },
      { breach: true, fromMs: 0, toMs: WEEK },
      WEEK,
    );
    expect(a?.replayDigest).toMatch(/^[0-9a-f]{64}$/);
    expect(step.revision?.replayDigest).not.toBe(a?.replayDigest);
  });
});

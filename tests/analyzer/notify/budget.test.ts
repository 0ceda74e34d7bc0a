import { describe, expect, it } from "vitest";
import { judgeBudget } from "../../../analyzer/notify/budget.ts";
import { OnboardingDocument } from "../../../contract/onboarding-document.ts";

const DAY = 86_400_000;
const limits = [{ severity: "page", count: 1, spanMs: 30 * DAY }] as const;
const drift = (alertId: string, day: number) =>
  ({ alertId, kind: "drift", severity: "page", atMs: day * DAY }) as const;

describe("the budget of statistical alerts", () => {
  it("is within, then over, then within again when the span has passed", () => {
    expect(judgeBudget(drift("a", 0), limits, [])).toEqual({ kind: "within", used: 1 });
    const spent = [{ alertId: "a", atMs: 0 }];
    expect(judgeBudget(drift("b", 29), limits, spent)).toEqual({
      kind: "over",
      reason: "over the budget of 1 page in 30 days",
    });
    expect(judgeBudget(drift("b", 30), limits, spent)).toEqual({ kind: "within", used: 1 });
  });

  it("does not count an alert against itself, nor bind what it does not name", () => {
    const spent = [{ alertId: "a", atMs: 0 }];
    expect(judgeBudget(drift("a", 1), limits, spent).kind).toBe("within");
    expect(judgeBudget({ ...drift("b", 1), severity: "ticket" }, limits, spent).kind).toBe("free");
  });

  it.each(["error-share", "latency", "no-traffic", "blind-agent", "self"] as const)(
    "never holds back a failure of the service: %s",
    (kind) => {
      const spent = [{ alertId: "a", atMs: 0 }];
      expect(judgeBudget({ ...drift("b", 0), kind }, limits, spent)).toEqual({ kind: "free" });
    },
  );

  it("is read from a document as people write it", () => {
    const read = (budget: string) =>
      OnboardingDocument.shape.alerts.parse({ budget, page: "pagerduty/risk" });
    expect(read("1 page per 30d, 6 tickets per 1w")).toEqual({
      page: ["pagerduty/risk"],
      budget: [
        { severity: "page", count: 1, spanMs: 30 * DAY },
        { severity: "ticket", count: 6, spanMs: 7 * DAY },
      ],
    });
    expect(() => read("few")).toThrow(/1 page per 30d/);
  });
});

import { expect, it } from "vitest";
import { type Report, countsLine } from "../run.ts";

const report = (over: Partial<Report>): Report => ({
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  testResults: [],
  ...over,
});

it("the last line counts what passed and failed", () => {
  expect(countsLine(report({}), 0)).toBe("3 passed, 0 failed");
  expect(countsLine(report({ numFailedTests: 2 }), 1)).toBe("3 passed, 2 failed");
  expect(countsLine(report({ numPendingTests: 1 }), 0)).toBe("3 passed, 0 failed, 1 skipped");
});

it("a file that cannot be loaded is a failure, and so is a run that leaves no report", () => {
  const unloaded = report({ testResults: [{ status: "failed", assertionResults: [] }] });
  expect(countsLine(unloaded, 1)).toBe("3 passed, 1 failed");
  expect(countsLine(null, 134)).toBe("0 passed, 1 failed");
  expect(countsLine(report({}), 1)).toBe("3 passed, 1 failed");
});

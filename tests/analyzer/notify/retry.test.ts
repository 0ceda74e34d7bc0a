import { describe, expect, it } from "vitest";
import { nextTry, retryAfterMs } from "../../../analyzer/notify/retry.ts";

const HOUR = 3_600_000;
const down = { kind: "unreachable", detail: "answered 500", retryAfterMs: null } as const;

describe("when a message is tried again", () => {
  it.each([
    [1, 1_000],
    [2, 2_000],
    [5, 16_000],
    [20, 600_000],
  ])("is after attempt %i at most %i ms later, and at least half of that", (attempts, most) => {
    expect(nextTry(down, attempts, 0, 0, 1)).toEqual({ kind: "again", dueMs: most });
    expect(nextTry(down, attempts, 0, 0, 0)).toEqual({ kind: "again", dueMs: most / 2 });
  });

  it("is not before the receiver asked for, within an hour", () => {
    const asked = (ms: number) => nextTry({ ...down, retryAfterMs: ms }, 1, 0, 0, 1);
    expect(asked(90_000)).toEqual({ kind: "again", dueMs: 90_000 });
    expect(asked(9 * HOUR)).toEqual({ kind: "again", dueMs: HOUR });
  });

  it("ends after three days without an answer, and after an hour of refusals", () => {
    expect(nextTry(down, 99, 0, 72 * HOUR - 1, 0)).toMatchObject({ kind: "again" });
    expect(nextTry(down, 99, 0, 72 * HOUR, 0)).toEqual({
      kind: "give-up",
      reason: "not taken within 72 h: answered 500",
    });
    expect(nextTry({ ...down, kind: "refused" }, 9, 0, HOUR, 0)).toMatchObject({ kind: "give-up" });
  });
});

describe("Retry-After", () => {
  it.each([
    ["30", 30_000],
    ["Thu, 01 Jan 1970 00:01:00 GMT", 50_000],
    ["soon", null],
    [null, null],
  ])("%s is %s", (header, ms) => {
    expect(retryAfterMs(header, 10_000)).toBe(ms);
  });
});

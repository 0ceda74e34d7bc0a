import { describe, expect, it } from "vitest";
import { rowsBehind } from "../../../analyzer/alerts/rows-behind.ts";
import type { AlertKind } from "../../../contract/alert.ts";

const HOUR = 3_600_000;
const of = (kind: AlertKind, numbers = {}, toMs: number | null = null) =>
  rowsBehind({ kind, fromMs: 10 * HOUR, toMs, numbers, finding: null }, 20 * HOUR);

describe("the rows behind an alert", () => {
  it.each<[AlertKind, object, string]>([
    ["error-share", { failed: true, seconds: 0 }, "failed requests"],
    ["latency", { failed: false, seconds: 0.06 }, "rows slower than 60 ms"],
    ["drift", { failed: false, seconds: 0 }, "rows"],
  ])("of %s are %j", (kind, filter, which) => {
    expect(of(kind, { promisedMs: 60 })).toMatchObject({ ...filter, which, newestFirst: false });
  });

  it("lie in its span, up to now while it lasts", () => {
    expect(of("drift", {}, 12 * HOUR)).toMatchObject({ fromMs: 10 * HOUR, toMs: 12 * HOUR });
    expect(of("drift")).toMatchObject({ toMs: 20 * HOUR });
  });

  it("are the last ones before it where there are none since", () => {
    expect(of("no-traffic")).toMatchObject({
      fromMs: 9 * HOUR,
      toMs: 10 * HOUR + 1,
      newestFirst: true,
    });
  });

  it("are none where Driftmend itself is meant", () => {
    expect(of("self")).toBeNull();
  });
});

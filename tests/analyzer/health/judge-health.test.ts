import { describe, expect, it } from "vitest";
import { type Health, judgeHealth } from "../../../analyzer/health/judge-health.ts";

const NOW = 1_000_000_000;
const MINUTE = 60_000;
const GIB = 1024 ** 3;
const spool = (oldestUnstoredMs: number, heardSinceMs = 0) => ({
  ...{ spool: "ab".repeat(16), oldestUnstoredMs, heardSinceMs, frames: 3 },
});
const WELL: Health = {
  ...{ nowMs: NOW, storeMs: NOW, natsMs: NOW, failing: [], channels: [] },
  spools: [spool(NOW - 10_000)],
  disks: [{ name: "analyzer", freeBytes: 50 * GIB }],
};
const bad = (change: Partial<Health>) =>
  judgeHealth({ ...WELL, ...change })
    .filter(({ breach }) => breach)
    .map(({ draft }) => ({ subject: draft.subject, severity: draft.severity, title: draft.title }));

describe("our own health", () => {
  it("is nothing to speak of while all is well", () => {
    expect(bad({})).toEqual([]);
    expect(bad({ storeMs: NOW - 2 * MINUTE + 1, natsMs: NOW - MINUTE })).toEqual([]);
  });

  it.each<[Partial<Health>, string, string, string]>([
    [{ storeMs: NOW - 2 * MINUTE }, "store", "page", "The database does not answer"],
    [{ natsMs: NOW - 3 * MINUTE }, "nats", "page", "NATS is away"],
    [
      { spools: [spool(NOW - 6 * MINUTE)] },
      "lag/abababab",
      "page",
      "Predictions are not stored since 6 min",
    ],
    [
      { disks: [{ name: "analyzer", freeBytes: 1.5 * GIB }] },
      "disk/analyzer",
      "ticket",
      "1.5 GiB are free on the disk of analyzer",
    ],
    [
      { disks: [{ name: "clickhouse/default", freeBytes: 0.2 * GIB }] },
      "disk/clickhouse/default",
      "page",
      "0.2 GiB are free on the disk of clickhouse/default",
    ],
    [
      { failing: [{ name: "fraud", sinceMs: NOW - 11 * MINUTE, error: "boom" }] },
      "analysis/fraud",
      "ticket",
      "fraud cannot be evaluated",
    ],
    [
      { channels: [{ name: "slack/#ml", sinceMs: NOW - 16 * MINUTE, error: "answered 404" }] },
      "channel/slack/#ml",
      "ticket",
      "Alerts do not arrive at slack/#ml",
    ],
  ])("%j is told as %s, a %s", (change, subject, severity, title) => {
    expect(bad(change)).toEqual([{ subject, severity, title }]);
  });

  it("gives what a stop left behind its time to be stored", () => {
    const yesterday = NOW - 24 * 60 * MINUTE;
    expect(bad({ spools: [spool(yesterday, NOW - 4 * MINUTE)] })).toEqual([]);
    expect(bad({ spools: [spool(yesterday, NOW - 5 * MINUTE)] })).toHaveLength(1);
  });

  it("says what to do about each", () => {
    for (const { draft } of judgeHealth({
      ...WELL,
      failing: [{ name: "m", sinceMs: 0, error: "e" }],
      channels: [{ name: "slack/a", sinceMs: 0, error: "e" }],
    })) {
      expect(draft.loop).toMatch(/^what to do: /);
      expect(draft.kind).toBe("self");
    }
  });
});

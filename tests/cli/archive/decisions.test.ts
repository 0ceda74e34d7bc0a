import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ArchivedPartition } from "../../../cli/archive/manifest.ts";
import { type DropFacts, mayDrop } from "../../../cli/archive/may-drop.ts";
import { expiredPartitions, schemaProblem } from "../../../cli/archive/restore-archive.ts";
import { spanOfPartition, spansOfFiles } from "../../../cli/archive/span-of-partition.ts";
import { Retention } from "../../../store/retention.ts";

const HOUR_MS = 3_600_000;
const at = (text: string): number => Date.parse(text);

const group = {
  shard: 1,
  n: 7,
  predictions: 10,
  labels: 0,
  from: at("2026-03-05T10:00:00Z"),
  to: at("2026-03-06T01:00:00Z"),
  labels_from: 0,
  labels_to: 0,
};
const facts: DropFacts = {
  nowMs: at("2026-04-10T12:00:00Z"),
  groups: [group],
  rowsOfGroups: 0,
  replays: [],
};

describe("a partition may be dropped", () => {
  const reasonOf = (partition: string, changed: Partial<DropFacts> = {}): string => {
    const judged = mayDrop("predictions", partition, { ...facts, ...changed });
    return judged.kind === "yes" ? "yes" : judged.reason;
  };

  it("when it is a day old and no group that may be replayed touches it", () => {
    expect(reasonOf("2026-03-04")).toBe("yes");
    expect(reasonOf("2026-03-07")).toBe("yes");
    expect(reasonOf("2026-04-10")).toMatch(/before now$/);
    expect(reasonOf("2026-04-09")).toMatch(/before now$/);
    expect(reasonOf("2026-04-08")).toBe("yes");
    expect(reasonOf("2026-03-05")).toContain("group 7 of shard 1");
    expect(reasonOf("2026-03-06")).toContain("group 7 of shard 1");
  });

  it("when models in replay are past it, and none of its rows may be replayed", () => {
    const replays = [{ model: "flights", time: at("2026-03-05T12:00:00Z") }];
    expect(reasonOf("2026-03-04", { replays })).toContain('the clock of "flights"');
    expect(reasonOf("2026-03-03", { replays })).toBe("yes");
    expect(reasonOf("2026-03-04", { rowsOfGroups: 3 })).toContain("3 of its rows");
    expect(mayDrop("labels", "202603", facts).kind).toBe("yes");
    const labels = { ...group, labels: 1, labels_from: group.from, labels_to: group.to };
    expect(mayDrop("labels", "202603", { ...facts, groups: [labels] }).kind).toBe("no");
  });
});

describe("files of a partition", () => {
  it("are days and months of UTC", () => {
    expect(spanOfPartition("2026-03-01").to).toBe(at("2026-03-02T00:00:00Z"));
    expect(spanOfPartition("202612")).toEqual({
      from: at("2026-12-01T00:00:00Z"),
      to: at("2027-01-01T00:00:00Z"),
    });
  });

  it("lie side by side, cover it, and hold no more rows than they may where hours allow it", () => {
    const day = spanOfPartition("2026-03-01");
    const hours = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(hours, fc.integer({ min: 1, max: 100 }), (rows, rowsMax) => {
        const counted = rows.map((count, i) => ({ hour: day.from + i * HOUR_MS, rows: count }));
        const spans = spansOfFiles(day, counted, rowsMax);
        expect(spans[0]?.from).toBe(day.from);
        expect(spans.at(-1)?.to).toBe(day.to);
        for (const [i, span] of spans.entries()) {
          if (i > 0) expect(span.from).toBe(spans[i - 1]?.to);
          const inside = counted.filter(({ hour }) => hour >= span.from && hour < span.to);
          const sum = inside.reduce((total, hour) => total + hour.rows, 0);
          expect(inside.length === 1 || sum <= rowsMax).toBe(true);
        }
      }),
    );
  });
});

describe("what may be restored", () => {
  it("is what its table keeps, newest row of each file first to go", () => {
    const file = { path: "predictions/x.parquet", rows: 1, bytes: 1, sha256: "", checksum: "0" };
    const times = { from: "", to: "", first: "2026-01-01T00:00:00Z" };
    const partition = (last: string): ArchivedPartition => ({
      table: "predictions",
      partition: "2026-01-01",
      model: null,
      written: "2026-02-01T00:00:00Z",
      rows: 1,
      files: [{ ...file, ...times, last }],
    });
    const kept = Retention.parse({ predictions: 90 });
    const now = at("2026-04-01T00:00:00Z");
    expect(expiredPartitions([partition("2026-01-01T12:00:00Z")], kept, now)).toEqual([
      { table: "predictions", partition: "2026-01-01", keptDays: 90, neededDays: 91 },
    ]);
    expect(expiredPartitions([partition("2026-01-02T12:00:00Z")], kept, now)).toEqual([]);
  });

  it("has columns that the table knows under the same types", () => {
    const id = { name: "id", type: "String" };
    expect(schemaProblem([id], [id, { name: "added", type: "UInt8" }])).toBeNull();
    expect(schemaProblem([id], [])).toContain('column "id"');
    expect(schemaProblem([id], [{ name: "id", type: "UInt8" }])).toContain("String in the archive");
    expect(schemaProblem([], [id])).toContain("no columns");
  });
});

import fc from "fast-check";
import { expect, it } from "vitest";
import { diskBytes } from "../../../cli/define-command.ts";
import { splitDisk } from "../../../cli/up/disk-budget.ts";

const GIB = 1024 ** 3;

it("one number for the disk is split over tables, spool and streams, and a part is nobody's", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2 * GIB, max: 2 ** 50 }),
      fc.integer({ min: 1, max: 64 }),
      (bytes, shards) => {
        const { agent, collector } = splitDisk(bytes, shards);
        const spool = Number(agent?.["DRIFTMEND_SPOOL_BYTES_MAX"]);
        const streams = shards * Number(collector?.["DRIFTMEND_STREAM_BYTES"]);
        const tables = Number(collector?.["DRIFTMEND_TABLE_BYTES_MAX"]);
        expect(spool + streams + tables).toBeLessThan(0.89 * bytes);
        expect(spool + streams + tables).toBeGreaterThan(0.87 * bytes);
      },
    ),
  );
  expect(() => splitDisk(GIB)).toThrow("--disk must be at least 2.0 GiB: it is 1.0 GiB");
});

it("is given with its unit", () => {
  expect([diskBytes("40GiB"), diskBytes("2TiB"), diskBytes("3000MiB")]).toEqual([
    ...[40 * GIB, 2048 * GIB, 3000 * 1024 ** 2],
  ]);
  for (const text of ["40", "0GiB", "40GB", "1.5GiB"]) {
    expect(() => diskBytes(text)).toThrow("Expected a size");
  }
});

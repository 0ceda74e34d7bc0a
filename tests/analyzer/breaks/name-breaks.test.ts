import { describe, expect, it } from "vitest";
import { explainColumn } from "../../../analyzer/breaks/explain-column.ts";
import { findBreaks } from "../../../analyzer/breaks/find-breaks.ts";
import { seededRandom } from "../../../runtime/random.ts";
import { breakInput, countWindows, gridsOf, referencesOf } from "../support/count-windows.ts";
import type { PastRow } from "../support/load-history.ts";
import { type Break, CLIENTS, syntheticDay } from "../support/synthetic-traffic.ts";

const ROWS_PER_DAY = 6_000;
const REFERENCE_DAYS = 21;
const PERIODS: Readonly<Record<string, number>> = { hour: 24, weekday: 7 };

const clean = (seed: number, day: number): PastRow[] =>
  syntheticDay({ seed, rowsPerDay: ROWS_PER_DAY }, day);
const referenceDays = Array.from({ length: REFERENCE_DAYS }, (_, day) => clean(1, day));
const grids = gridsOf(referenceDays.flat());
const references = referencesOf(referenceDays, grids, "client");

function found(rows: readonly PastRow[]) {
  const day = countWindows(rows, grids, "client");
  return findBreaks(references, { day, before: [], tags: ["client"] });
}

/** Another break for each seed: columns, factor, shift and clients move. */
function breakOf(seed: number): Break & { readonly columns: readonly string[] } {
  const random = seededRandom(seed);
  const pick = <T>(choices: readonly T[]): T => choices[random.integer(choices.length)] as T;
  const columns = pick([["distance"], ["hour"], ["weekday"], ["distance", "hour"]]);
  const first = random.integer(10);
  const second = (first + 1 + random.integer(9)) % 10;
  return {
    fromDay: 30,
    toDay: 31,
    columns,
    clients: [first, second].sort((a, b) => a - b).map((i) => CLIENTS[i] ?? ""),
    ...(columns.includes("distance")
      ? { distanceFactor: pick([1.609344, 1 / 1.609344, 1609.344, 5280]) }
      : {}),
    ...(columns.includes("hour")
      ? { hourShift: pick<number | "utc">([-8, -3, 5, 12, "utc"]) }
      : {}),
    ...(columns.includes("weekday") ? { weekdayShift: pick([1, 6]) } : {}),
  };
}

describe("data breaks", () => {
  it.each(Array.from({ length: 10 }, (_, seed) => seed))(
    "are named rightly with seed %i",
    (seed) => {
      const planted = breakOf(seed);
      const rows = syntheticDay({ seed, rowsPerDay: ROWS_PER_DAY, breaks: [planted] }, 30);
      const breaks = found(rows);
      expect(breaks).toEqual([
        { tag: "client", values: planted.clients, columns: [...planted.columns].sort() },
      ]);
      const isBroken = ({ tags }: PastRow): boolean =>
        planted.clients.includes(tags?.["client"] ?? "");
      const broken = rows.filter(isBroken);
      const sound = rows.filter((row) => !isBroken(row));
      for (const column of planted.columns) {
        const named = explainColumn(
          column,
          ["", "place"].map((by) => ({
            by: by === "" ? null : by,
            input: breakInput(sound, broken, column, by, PERIODS[column]),
          })),
        );
        expectNamed(named, planted);
      }
    },
  );

  it("do not appear where clients are alike and days share their weather", () => {
    const days = Array.from({ length: 40 }, (_, day) => clean(99, 28 + day));
    expect(days.flatMap(found)).toEqual([]);
  });

  it("are seen in a client that the reference does not know, where clients are alike", () => {
    const rows = clean(5, 30).map((row) =>
      row.tags?.["client"] === "c3"
        ? {
            ...row,
            tags: { client: "new" },
            num: { ...row.num, distance: (row.num?.["distance"] ?? 0) * 1.609344 },
          }
        : row,
    );
    expect(found(rows)).toEqual([{ tag: "client", values: ["new"], columns: ["distance"] }]);
  });

  it("leave differences alone that a segment always had", () => {
    const farther = (row: PastRow): PastRow =>
      row.tags?.["client"] === "c1"
        ? { ...row, num: { ...row.num, distance: (row.num?.["distance"] ?? 0) * 2 } }
        : row;
    const days = referenceDays.map((rows) => rows.map(farther));
    const own = gridsOf(days.flat());
    const known = referencesOf(days, own, "client");
    const day = countWindows(clean(7, 30).map(farther), own, "client");
    expect(findBreaks(known, { day, before: [], tags: ["client"] })).toEqual([]);
  });
});

function expectNamed(named: ReturnType<typeof explainColumn>, planted: Break): void {
  if (named.column === "distance") {
    expect(named.change).toBe("factor");
    const factor = named.change === "factor" ? named.factor : Number.NaN;
    expect(Math.abs(factor / (planted.distanceFactor ?? Number.NaN) - 1)).toBeLessThan(0.01);
    return;
  }
  expect(named.change).toBe("shift");
  const shift = named.change === "shift" ? named.shift : null;
  const period = PERIODS[named.column] ?? 0;
  const added = named.column === "hour" ? planted.hourShift : planted.weekdayShift;
  if (added === "utc") {
    // The row-weighted median of 5, 6, 8 and 5 hours behind.
    expect(shift).toMatchObject({ median: 6, min: 5, max: 8, by: "place" });
  } else {
    const median = ((((added ?? 0) % period) + period) % period) as number;
    expect(shift).toMatchObject({ median, min: median, max: median });
  }
}

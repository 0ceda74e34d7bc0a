import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CellTable } from "../../collector/rollup/cell-table.ts";

/** What the table must hold, one object a cell. */
function counted(values: readonly (readonly [number, number, number])[]): Map<string, number[]> {
  const cells = new Map<string, number[]>();
  for (const [cohort, cell, value] of values) {
    const [n, s, q] = cells.get(`${cohort} ${cell}`) ?? [0, 0, 0];
    cells.set(`${cohort} ${cell}`, [n! + 1, s! + value, q! + value * value]);
  }
  return cells;
}

function held(table: CellTable): Map<string, number[]> {
  const cells = new Map<string, number[]>();
  table.visit((cohort, cell, n, s, q) => {
    expect(cells.has(`${cohort} ${cell}`)).toBe(false);
    cells.set(`${cohort} ${cell}`, [n, s, q]);
  });
  return cells;
}

const slotted = (slot: number, cell: number): number => (slot << 16) | cell;

describe("the table of cells", () => {
  it("counts as a map of objects does, each cell once", () => {
    const value = fc.tuple(
      fc.integer({ min: 0, max: 5 }),
      fc
        .tuple(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 0, max: 65_535 }))
        .map(([slot, cell]) => slotted(slot % 4, cell)),
      fc.integer({ min: -1000, max: 1000 }),
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 300 }), (values) => {
        const table = new CellTable();
        for (const [cohort, cell, number] of values) table.add(cohort, cell, number);
        expect(held(table)).toEqual(counted(values));
      }),
    );
  });

  it("counts the same when cells have moved into blocks, at the ends of a slot too", () => {
    const values: [number, number, number][] = [];
    for (let i = 0; i < 60_000; i++) {
      const cell = [i % 7, 65_535 - (i % 3), 32_768 + ((i * 31) % 900)][i % 3] ?? 0;
      values.push([i % 5, slotted(i % 2, cell), (i % 11) - 5]);
    }
    const table = new CellTable();
    for (const [cohort, cell, value] of values) table.add(cohort, cell, value);
    expect(held(table)).toEqual(counted(values));
  });
});

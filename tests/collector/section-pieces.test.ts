/** What is inserted of a group: the rows of its sections in their order, whatever was joined. */
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  type GroupSection,
  piecesOfSection,
  piecesOfSections,
} from "../../collector/section-pieces.ts";
import { LIMITS } from "../../contract/limits.ts";
import { type Block, type Column, readBlocks, textAt } from "../../contract/native-block.ts";
import { type PredictionRow, buildPredictionBlock } from "../../contract/payload-blocks.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const number = fc.double();
const prediction: fc.Arbitrary<PredictionRow> = fc.record(
  {
    model: text,
    id: text,
    ts: fc.integer({ min: 0, max: 4e12 }),
    version: text,
    num: fc.dictionary(text, number, { maxKeys: 5 }),
    cat: fc.dictionary(text, text, { maxKeys: 5 }),
    tags: fc.dictionary(text, text, { maxKeys: 3 }),
    label: text,
    score: number,
    value: number,
    error: text,
  },
  { requiredKeys: ["model", "id", "ts"] },
);
/** Some of many rows, and some whose blocks have one column more. */
const section: fc.Arbitrary<GroupSection> = fc
  .record({
    rows: fc.array(prediction, { minLength: 1, maxLength: 6 }),
    times: fc.constantFrom(1, 1, 1, 60),
    weight: fc.constantFrom(1, 1, 4),
    spool: fc.constantFrom("a".repeat(32), "b".repeat(32)),
    seq: fc.integer({ min: 1, max: 1e9 }),
  })
  .map(({ rows, times, weight, spool, seq }) => {
    const all = Array.from({ length: times }, () => rows.map((row) => ({ ...row, weight }))).flat();
    const payload = buildPredictionBlock(all);
    return { table: "predictions", spool, seq, rows: all.length, payload };
  });

/** Every row as text, column by column. */
function rowsOf(pieces: readonly Uint8Array[]): string[] {
  return readBlocks(Buffer.concat(pieces)).flatMap((block: Block) =>
    Array.from({ length: block.rows }, (_, row) =>
      JSON.stringify(block.columns.map(({ name, column }) => [name, valueAt(column, row)])),
    ),
  );
}

function valueAt(column: Column, row: number): unknown {
  if (column.kind === "string" || column.kind === "dictionary") return textAt(column, row);
  if (column.kind !== "map") return String(column.values[row]);
  const entries = [];
  for (let i = row === 0 ? 0 : column.ends[row - 1]!; i < column.ends[row]!; i++) {
    entries.push([textAt(column.keys, i), valueAt(column.values, i)]);
  }
  return entries;
}

it("has the same rows, joined or not, and is the same for the same sections", () => {
  fc.assert(
    fc.property(fc.array(section, { minLength: 1, maxLength: 12 }), (sections) => {
      const pieces = piecesOfSections(sections);
      expect(rowsOf(pieces)).toEqual(rowsOf(sections.flatMap(piecesOfSection)));
      expect(Buffer.concat(piecesOfSections(sections))).toEqual(Buffer.concat(pieces));
    }),
    { numRuns: 60 },
  );
});

it("is one block for as many small sections as may be joined, and leaves large ones as they came", () => {
  const small = (seq: number): GroupSection => {
    const payload = buildPredictionBlock([{ model: "m", id: `${seq}`, ts: 0, num: { x: seq } }]);
    return { table: "predictions", spool: "a".repeat(32), seq, rows: 1, payload };
  };
  const many = Array.from({ length: LIMITS.joinedSectionsMax + 1 }, (_, i) => small(i));
  expect(readBlocks(Buffer.concat(piecesOfSections(many))).map(({ rows }) => rows)).toEqual([
    LIMITS.joinedSectionsMax,
    1,
  ]);
});

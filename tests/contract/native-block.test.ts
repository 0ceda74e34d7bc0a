/** Our Native blocks against the real engine, both ways, and against damaged bytes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Session } from "chdb";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import {
  type Block,
  type Column,
  columnOf,
  readBlock,
  textAt,
  writeBlock,
} from "../../contract/native-block.ts";
import {
  buildDeadLetterBlock,
  buildLabelBlock,
  buildPredictionBlock,
  LABEL_COLUMNS,
  type LabelRow,
  PREDICTION_COLUMNS,
  type PredictionRow,
} from "../../contract/payload-blocks.ts";

const folder = mkdtempSync(join(tmpdir(), "driftmend-native-"));
const session = new Session(join(folder, "engine"));
afterAll(() => {
  session.cleanup();
  rmSync(folder, { recursive: true, force: true });
});

function structure(columns: readonly { name: string; type: string }[]): string {
  return columns
    .map(({ name, type }) => `${name} ${type}`)
    .join(", ")
    .replaceAll("'", "\\'");
}

function engineReads(block: Uint8Array, columns: readonly { name: string; type: string }[]) {
  const path = join(folder, "block.native");
  writeFileSync(path, block);
  const settings =
    "SETTINGS output_format_json_quote_denormals=1, output_format_json_quote_64bit_integers=0";
  const sql = `SELECT * FROM file('${path}', 'Native', '${structure(columns)}') ${settings}`;
  const text = String(session.query(sql, "JSONEachRow"));
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

const prediction: PredictionRow = {
  model: "late-flight",
  id: "π-1",
  ts: 986_000_000_123,
  version: "7",
  num: { hour: 23, distance: -0.5 },
  cat: { origin: "ATL" },
  tags: { "client.version": "3.1" },
  label: "late",
  score: 0.25,
  probabilities: { late: 0.25, "in time": 0.75 },
  latency: 0.5,
};

describe("blocks that we write", () => {
  it("are read by the engine as the rows they were made of", () => {
    const block = buildPredictionBlock([prediction, { model: "m", id: "", ts: -1 }]);
    expect(engineReads(block, PREDICTION_COLUMNS)).toEqual([
      {
        ...prediction,
        ts: "2001-03-31 00:53:20.123",
        value: "nan",
        error: "",
      },
      {
        model: "m",
        id: "",
        ts: "1969-12-31 23:59:59.999",
        version: "",
        num: {},
        cat: {},
        tags: {},
        label: "",
        score: "nan",
        value: "nan",
        probabilities: {},
        latency: "nan",
        error: "",
      },
    ]);
  });

  it("carry labels with and without the prediction's time", () => {
    const row: LabelRow = {
      model: "m",
      id: "a",
      time: 1000,
      label: "late",
      prediction_time: 500,
      source: "landing",
      revision: 2 ** 53 - 1,
    };
    const read = engineReads(
      buildLabelBlock([row, { model: "m", id: "b", time: 0, value: 7 }]),
      LABEL_COLUMNS,
    );
    expect(read).toEqual([
      {
        ...row,
        value: "nan",
        time: "1970-01-01 00:00:01.000",
        prediction_time: "1970-01-01 00:00:00.500",
      },
      {
        model: "m",
        id: "b",
        label: "",
        value: 7,
        prediction_time: null,
        time: "1970-01-01 00:00:00.000",
        source: "",
        revision: 0,
      },
    ]);
  });

  it("use wider indexes where a dictionary has more than 256 and more than 65 536 keys", () => {
    for (const count of [256, 257, 65_536, 65_537]) {
      const rows = Array.from({ length: count }, (_, i) => ({ model: `m${i}`, id: `${i}`, ts: i }));
      const block = buildPredictionBlock(rows);
      const path = join(folder, "wide.native");
      writeFileSync(path, block);
      const sql = `SELECT uniqExact(model), sum(model = concat('m', id)) FROM file('${path}', 'Native', '${structure(PREDICTION_COLUMNS)}')`;
      expect(String(session.query(sql, "CSV")).trim()).toBe(`${count},${count}`);
      const models = columnOf(readBlock(block), "model", "dictionary");
      expect(textAt(models, count - 1)).toBe(`m${count - 1}`);
    }
  });

  it("may have no rows", () => {
    expect(engineReads(buildPredictionBlock([]), PREDICTION_COLUMNS)).toEqual([]);
    expect(readBlock(buildDeadLetterBlock([])).rows).toBe(0);
  });
});

describe("blocks that we read", () => {
  it("may come from the engine", () => {
    const sql = `SELECT toLowCardinality(toString(number % 3)) AS lc, toString(number) AS text,
      toDateTime64(number - 1, 3, 'UTC') AS time, if(number % 2, NULL, time) AS maybe,
      number / 2 AS f, toUInt32(number) AS u, number AS wide,
      CAST(map('a', number, toString(number % 2), 1), 'Map(LowCardinality(String), Float64)') AS num
      FROM numbers(5) SETTINGS output_format_native_write_json_as_string = 1`;
    const path = join(folder, "engine.native");
    session.query(
      `INSERT INTO FUNCTION file('${path}', 'Native') ${sql}, engine_file_truncate_on_insert = 1`,
    );
    const block = readBlock(readFileSync(path));
    expect(block.rows).toBe(5);
    const lc = columnOf(block, "lc", "dictionary");
    const text = columnOf(block, "text", "string");
    expect([0, 1, 2, 3, 4].map((row) => textAt(lc, row))).toEqual(["0", "1", "2", "0", "1"]);
    expect([0, 1, 2, 3, 4].map((row) => textAt(text, row))).toEqual(["0", "1", "2", "3", "4"]);
    expect([...columnOf(block, "time", "time").values]).toEqual([-1000, 0, 1000, 2000, 3000]);
    expect([...columnOf(block, "maybe", "nullable-time").values]).toEqual([
      -1000,
      Number.NaN,
      1000,
      Number.NaN,
      3000,
    ]);
    expect([...columnOf(block, "wide", "uint64").values]).toEqual([0n, 1n, 2n, 3n, 4n]);
    const num = columnOf(block, "num", "map");
    expect([...num.ends]).toEqual([2, 4, 6, 8, 10]);
    expect(Array.from(num.keys.indexes, (key) => num.keys.keys[key])).toEqual([
      "a",
      "0",
      "a",
      "1",
      "a",
      "0",
      "a",
      "1",
      "a",
      "0",
    ]);
  });

  it("come back byte for byte when written again", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 12 });
    const map = <T>(value: fc.Arbitrary<T>) => fc.dictionary(text, value, { maxKeys: 5 });
    const row: fc.Arbitrary<PredictionRow> = fc.record(
      {
        model: text,
        id: text,
        ts: fc.integer({ min: -8.64e15, max: 8.64e15 }),
        num: map(fc.double()),
        cat: map(text),
        tags: map(text),
        probabilities: map(fc.float()),
        score: fc.double(),
        error: text,
      },
      { requiredKeys: ["model", "id", "ts"] },
    );
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
        const bytes = buildPredictionBlock(rows);
        const block = readBlock(bytes);
        expect(Buffer.compare(writeBlock(block), bytes)).toBe(0);
        const ids = columnOf(block, "id", "string");
        const times = columnOf(block, "ts", "time");
        for (const [i, { id, ts }] of rows.entries()) {
          expect(textAt(ids, i)).toBe(id.toWellFormed());
          expect(times.values[i]).toBe(ts);
        }
      }),
    );
  });

  it("end in block_invalid, never in another error, when they are cut or changed", () => {
    const bytes = buildPredictionBlock([prediction, prediction]);
    const attempt = (damaged: Uint8Array): Block | unknown => {
      try {
        return readBlock(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(DriftmendError);
        return error;
      }
    };
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(attempt(bytes.subarray(0, cut))).toMatchObject({ code: "block_invalid" });
    }
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const damaged = Uint8Array.from(bytes);
        for (const [at, byte] of changes) damaged[at] = byte;
        attempt(damaged);
      }),
      { numRuns: 3000 },
    );
  });

  it("name the column that has a type of somebody else", () => {
    const column: Column = { kind: "uint32", values: Uint32Array.of(1) };
    const bytes = Buffer.from(
      writeBlock({ rows: 1, columns: [{ name: "n", type: "UInt32", column }] }),
    );
    bytes.write("Int32x", bytes.indexOf("UInt32"));
    expect(() => readBlock(bytes)).toThrow('column "n" has the type "Int32x"');
    expect(() => columnOf({ rows: 0, columns: [] }, "id", "string")).toThrow('"id" is missing');
  });
});

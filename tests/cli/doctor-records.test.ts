import { expect, it } from "vitest";
import { judgeRecords } from "../../cli/commands/doctor-records.ts";

it("nothing is said of records that came as they were meant", () => {
  expect(judgeRecords({ "records.prediction": 9_000, "requests.taken": 12 })).toEqual([]);
  expect(judgeRecords({ "deadLetters.id_missing": 0 })).toEqual([]);
});

it("what was set aside, dropped, skipped or cut is counted, the most frequent reason first", () => {
  const found = judgeRecords({
    "deadLetters.model_missing": 1,
    "deadLetters.id_missing": 12_000,
    "dropped.attribute": 34,
    "dropped.record": 2,
    "values.skipped": 5,
    "values.cut": 6,
  });
  expect(found.map(({ detail }) => detail.replaceAll("\u202f", " "))).toEqual([
    "12 001 records were set aside: 12 000 id_missing, 1 model_missing",
    "SDKs dropped 34 attributes of 2 records before they came",
    "5 values were not stored: lists, nested maps, a name twice, or too many of a record",
    "6 texts were cut",
  ]);
  expect(found.every(({ state, next }) => state === "warning" && next.length > 0)).toBe(true);
});

it("one record is one", () => {
  expect(judgeRecords({ "deadLetters.id_missing": 1 })[0]?.detail).toBe(
    "1 record was set aside: 1 id_missing",
  );
});

it("records of which none is a prediction are told of, as long as there is none", () => {
  const found = judgeRecords({ "records.unknown": 40 });
  expect(found[0]?.detail).toBe("40 records of OTLP came, and none is a prediction");
  expect(judgeRecords({ "records.unknown": 40, "records.prediction": 1 })).toEqual([]);
});

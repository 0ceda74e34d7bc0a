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

it("what a limit kept out is told with the models concerned, and refusals that nobody repeats", () => {
  const found = judgeRecords(
    {
      ...{ "records.sampled_out": 900, "records.label_unsampled": 3 },
      ...{ "shed.hot.model.rate_limited": 120, "shed.other.rate_limited": 3_000 },
      ...{ "refused.body_too_large": 2, "refused.spool_full": 50 },
      "values.features_over_limit": 98_000,
    },
    ["ids-as-names"],
  );
  expect(found.map(({ detail }) => detail.replaceAll("\u202f", " "))).toEqual([
    "3 120 records were not kept, over the rate of their model: 3 000 other, 120 hot.model",
    "2 requests were refused for good: 2 body_too_large",
    "98 000 values were not stored: their models have more than 2 000 names of features (ids-as-names)",
  ]);
});

it("records of which none is a prediction are told of, as long as there is none", () => {
  const found = judgeRecords({ "records.unknown": 40 });
  expect(found[0]?.detail).toBe("40 records of OTLP came, and none is a prediction");
  expect(judgeRecords({ "records.unknown": 40, "records.prediction": 1 })).toEqual([]);
});

/** Labels in memory that a new prediction is looked up in: those that wait, and those being searched. */
import { describe, expect, it } from "vitest";
import { columnOf, readBlock, writeBlock } from "../../contract/native-block.ts";
import { modelsOf, type RecordIds } from "../../collector/record-ids.ts";
import { WaitingLabels } from "../../collector/waiting-labels.ts";

/** As they come out of a frame: one dictionary of models, the ids as bytes. */
function recordIds(models: readonly string[], records: readonly [number, string][]): RecordIds {
  const texts = records.map(([, id]) => Buffer.from(id));
  const native = Buffer.concat(texts.flatMap((text) => [Buffer.of(text.length), text]));
  const starts = new Uint32Array(texts.length);
  const ends = new Uint32Array(texts.length);
  let at = 0;
  for (const [i, text] of texts.entries()) {
    starts[i] = at + 1;
    at += 1 + text.length;
    ends[i] = at;
  }
  const block = readBlock(
    writeBlock({
      rows: records.length,
      columns: [
        {
          name: "model",
          type: "LowCardinality(String)",
          column: {
            kind: "dictionary",
            keys: models,
            indexes: Uint8Array.from(records, ([index]) => index),
          },
        },
        { name: "id", type: "String", column: { kind: "string", native, starts, ends } },
      ],
    }),
  );
  const model = columnOf(block, "model", "dictionary");
  return { rows: block.rows, model, id: columnOf(block, "id", "string") };
}

const LABELS = [
  recordIds(
    ["flights", "cards"],
    [
      [0, "a"],
      [1, "é"],
    ],
  ),
  recordIds(["flights", "unused"], [[0, "b"]]),
];

describe("waiting labels", () => {
  it("are those whose prediction is being searched, as long as it is", () => {
    const waiting = new WaitingLabels();
    const found = waiting.search(LABELS);
    expect(waiting.has("flights")).toBe(true);
    expect(waiting.isWaiting("flights", "a")).toBe(true);
    expect(waiting.isWaiting("flights", "b")).toBe(true);
    expect(waiting.isWaiting("cards", "é")).toBe(true);
    expect(waiting.isWaiting("cards", "a")).toBe(false);
    expect(waiting.has("unused")).toBe(false);
    found();
    expect(waiting.has("flights")).toBe(false);
    expect(waiting.isWaiting("flights", "a")).toBe(false);
  });

  it("are those that were noted, until their prediction has come", () => {
    const waiting = new WaitingLabels();
    waiting.add("flights", "a");
    waiting.add("flights", "a");
    expect(waiting.size).toBe(1);
    expect(waiting.isWaiting("flights", "a")).toBe(true);
    waiting.remove("flights", "a");
    expect(waiting.has("flights")).toBe(false);
    expect(waiting.size).toBe(0);
  });
});

describe("the models of records", () => {
  it("are those that occur, whatever the dictionary names", () => {
    expect(modelsOf(LABELS)).toEqual(["flights", "cards"]);
  });
});

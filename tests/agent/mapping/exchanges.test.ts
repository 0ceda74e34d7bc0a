/** An inference request with its answer becomes predictions: by the names of tensors, and by a mapping. */
import { describe, expect, it } from "vitest";
import { type Exchange, mapExchange } from "../../../agent/mapping/map-tensors.ts";
import { readBody } from "../../../agent/mapping/read-body.ts";
import { TensorMapping } from "../../../contract/mapping.ts";

const body = (side: "request" | "response", value: object) =>
  readBody(side, Buffer.from(JSON.stringify(value)), null).body;
const tensor = (name: string, datatype: string, shape: number[], data: unknown[]) => ({
  ...{ name, datatype, shape, data },
});

function exchange(request: object, response: object, change: Partial<Exchange> = {}): Exchange {
  return {
    ...{
      model: "fraud",
      version: "3",
      id: null,
      fallbackId: "event-1",
      timeMs: 1_000,
      latency: 0.02,
    },
    ...{ error: null, headers: new Map(), tags: [] },
    request: body("request", request),
    response: body("response", response),
    ...change,
  };
}
const mapping = (given: object = {}): TensorMapping =>
  TensorMapping.parse({ name: "test", from: "v2", ...given });
function rowsOf(one: Exchange, given: object = {}, task?: { type: string; positive?: string }) {
  const mapped = mapExchange(one, mapping(given), task);
  if (mapped.kind === "misfit") throw new Error(mapped.problem);
  return mapped.rows;
}

const batch = exchange(
  {
    id: "r1",
    inputs: [tensor("x", "FP32", [2, 2], [1, 2, 3, 4]), tensor("kind", "BYTES", [2], ["a", "b"])],
  },
  { outputs: [tensor("p", "FP32", [2, 2], [0.9, 0.1, 0.2, 0.8])] },
);

describe("without a mapping", () => {
  it("each row is a prediction, its features called by tensor and column", () => {
    expect(rowsOf(batch)).toMatchObject([
      {
        ...{ model: "fraud", version: "3", id: "r1/0", latency: 0.02 },
        features: [
          ["x[0]", 1],
          ["x[1]", 2],
          ["kind", "a"],
        ],
        probabilities: [
          ["0", 0.9],
          ["1", 0.1],
        ],
      },
      { id: "r1/1" },
    ]);
  });

  it("a single row keeps the request's id, or the event's where it has none", () => {
    const answer = { outputs: [tensor("y", "FP32", [1], [7.5])] };
    const one = (id?: string) => exchange({ id, inputs: [tensor("x", "FP32", [1], [1])] }, answer);
    expect(rowsOf(one("r2"))).toMatchObject([{ id: "r2", features: [["x", 1]], value: 7.5 }]);
    expect(rowsOf(one())).toMatchObject([{ id: "event-1" }]);
  });

  it("what an answer means follows from its type and the document's task", () => {
    const answered = (datatype: string, value: unknown, task?: { type: string }) =>
      rowsOf(
        exchange(
          { inputs: [tensor("x", "FP32", [1], [1])] },
          { outputs: [tensor("y", datatype, [1], [value])] },
        ),
        {},
        task,
      )[0];
    expect(answered("FP32", 0.25, { type: "binary" })).toMatchObject({ score: 0.25 });
    expect(answered("FP32", 0.25, { type: "regression" })).toMatchObject({ value: 0.25 });
    expect(answered("BYTES", "spam")).toMatchObject({ label: "spam" });
    expect(answered("INT64", 4)).toMatchObject({ label: "4" });
  });

  it("wide tensors, images and embeddings, are not kept, which is counted", () => {
    const wide = exchange(
      {
        inputs: [
          tensor(
            "image",
            "FP32",
            [1, 3, 16, 16],
            Array.from({ length: 768 }, () => 0),
          ),
        ],
      },
      { outputs: [tensor("y", "FP32", [1], [1])] },
    );
    const mapped = mapExchange(wide, mapping(), undefined);
    expect(mapped).toMatchObject({ kind: "rows", skipped: 768, rows: [{ features: [] }] });
  });
});

describe("with a mapping", () => {
  it("columns have names, classes too, and the positive one is the score", () => {
    const rows = rowsOf(
      batch,
      {
        identity: "header:X-Request-Id",
        inputs: { x: { columns: ["amount", "hour"] }, kind: { ignore: true } },
        outputs: { p: { probabilities: ["legit", "fraud"] } },
        tags: { country: "header:x-country" },
      },
      { type: "binary", positive: "fraud" },
    );
    expect(rows[0]).toMatchObject({
      features: [
        ["amount", 1],
        ["hour", 2],
      ],
      score: 0.1,
      id: "",
    });
    const known = {
      ...batch,
      headers: new Map([
        ["x-request-id", "h1"],
        ["x-country", "de"],
      ]),
    };
    expect(
      rowsOf(known, { identity: "header:X-Request-Id", tags: { country: "header:x-country" } }),
    ).toMatchObject([{ id: "h1/0", tags: [["country", "de"]] }, { id: "h1/1" }]);
  });

  it("ids come from a tensor row by row, or from the body", () => {
    const one = exchange(
      {
        parameters: { order: { no: "o-7" } },
        inputs: [tensor("id", "INT64", [2], [11, 12]), tensor("x", "FP32", [2], [1, 2])],
      },
      { outputs: [tensor("y", "FP32", [2], [0, 1])] },
    );
    const ignore = { inputs: { id: { ignore: true } } };
    expect(rowsOf(one, { ...ignore, identity: "tensor:id" }).map(({ id }) => id)).toEqual([
      11n,
      12n,
    ]);
    expect(rowsOf(one, { ...ignore, identity: "body:$.parameters.order.no" })[1]?.id).toBe("o-7/1");
  });

  it("labels are named by number, and the most probable of many classes is the label", () => {
    const request = { inputs: [tensor("x", "FP32", [1], [1])] };
    const named = exchange(request, { outputs: [tensor("y", "INT64", [1], [1])] });
    expect(rowsOf(named, { outputs: { y: { label: ["cat", "dog"] } } })[0]?.label).toBe("dog");
    const many = exchange(request, { outputs: [tensor("y", "FP32", [1, 3], [0.2, 0.5, 0.3])] });
    expect(rowsOf(many, { outputs: { y: { probabilities: ["a", "b", "c"] } } })[0]?.label).toBe(
      "b",
    );
  });

  it.each([
    [
      "names too few columns",
      { inputs: { x: { columns: ["amount"] } } },
      /2 columns and its mapping names 1/,
    ],
    [
      "names too many classes",
      { outputs: { p: { probabilities: ["a", "b", "c"] } } },
      /names 3 classes/,
    ],
    ["wants a column that is not there", { outputs: { p: { score: 2 } } }, /no column 2/],
  ])("that %s says so", (_what, given, problem) => {
    expect(mapExchange(batch, mapping(given), undefined)).toMatchObject({
      kind: "misfit",
      problem: expect.stringMatching(problem),
    });
  });

  it("tensors without rows are one", () => {
    const one = exchange(
      { inputs: [tensor("x", "FP32", [4], [1, 2, 3, 4])] },
      { outputs: [tensor("p", "FP32", [2], [0.5, 0.5])] },
    );
    expect(mapExchange(one, mapping(), undefined)).toMatchObject({ kind: "misfit" });
    expect(rowsOf(one, { batch: false })).toMatchObject([{ id: "event-1" }]);
  });
});

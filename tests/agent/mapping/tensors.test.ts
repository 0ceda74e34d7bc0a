/** Bodies of inference protocols: read as what they say, and refused where they say nonsense. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readBody } from "../../../agent/mapping/read-body.ts";
import { readRaw } from "../../../agent/mapping/tensors.ts";
import { DriftmendError } from "../../../contract/driftmend-error.ts";

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const tensor = (name: string, datatype: string, shape: number[], data: unknown) => ({
  ...{ name, datatype, shape, data },
});
const v2 = (bytes: Buffer, length: number | null) => readBody("request", bytes, length).body;
/** A body of the binary extension: JSON, then each tensor's bytes. */
function binary(
  values: readonly (readonly [name: string, datatype: string, shape: number[], bytes: Buffer])[],
) {
  const head = json({
    inputs: values.map(([name, datatype, shape, bytes]) => ({
      ...{ name, datatype, shape },
      parameters: { binary_data_size: bytes.length },
    })),
  });
  return {
    bytes: Buffer.concat([head, ...values.map(([, , , bytes]) => bytes)]),
    length: head.length,
  };
}

describe("the Open Inference Protocol", () => {
  it("gives the same elements whether they are nested or in a row", () => {
    const nested = v2(
      json({
        inputs: [
          tensor(
            "x",
            "FP32",
            [2, 2],
            [
              [1, 2],
              [3, 4],
            ],
          ),
        ],
      }),
      null,
    );
    const flat = v2(json({ inputs: [tensor("x", "FP32", [2, 2], [1, 2, 3, 4])] }), null);
    expect(nested.inputs).toEqual(flat.inputs);
    expect(flat.inputs[0]?.data).toEqual([1, 2, 3, 4]);
  });

  it("has ids, versions and what is asked for beside the tensors", () => {
    const request = json({ id: "r1", inputs: [], outputs: [{ name: "y" }] });
    expect(v2(request, null)).toMatchObject({ id: "r1", inputs: [], outputs: [] });
    const response = json({
      ...{ model_name: "fraud", model_version: "3", id: "r1" },
      outputs: [tensor("y", "FP32", [1], [0.5])],
    });
    expect(v2(response, null)).toMatchObject({ model: "fraud", version: "3" });
  });

  it("reads binary tensors, also where nobody says how long the JSON is", () => {
    const floats = Buffer.from(new Float32Array([0.5, -2]).buffer);
    const texts = Buffer.from("\u0003\0\0\0abc\0\0\0\0", "latin1");
    const { bytes, length } = binary([
      ["x", "FP32", [2], floats],
      ["word", "BYTES", [2], texts],
    ]);
    for (const known of [length, null]) {
      const { body } = readBody("request", bytes, known);
      expect(body.inputs.map(({ data }) => data)).toEqual([
        [0.5, -2],
        ["abc", ""],
      ]);
    }
  });

  it.each([
    ["UINT8", 1, (view: DataView) => view.getUint8(0)],
    ["INT8", 1, (view: DataView) => view.getInt8(0)],
    ["UINT16", 2, (view: DataView) => view.getUint16(0, true)],
    ["INT16", 2, (view: DataView) => view.getInt16(0, true)],
    ["UINT32", 4, (view: DataView) => view.getUint32(0, true)],
    ["INT32", 4, (view: DataView) => view.getInt32(0, true)],
    ["UINT64", 8, (view: DataView) => view.getBigUint64(0, true)],
    ["INT64", 8, (view: DataView) => view.getBigInt64(0, true)],
    ["FP16", 2, (view: DataView) => view.getFloat16(0, true)],
    ["FP32", 4, (view: DataView) => view.getFloat32(0, true)],
    ["FP64", 8, (view: DataView) => view.getFloat64(0, true)],
    ["BOOL", 1, (view: DataView) => view.getUint8(0) !== 0],
  ] as const)("reads %s as the platform does", (datatype, bytes, platform) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: bytes, maxLength: bytes }), (given) => {
        const expected = platform(new DataView(given.buffer));
        expect(readRaw(Buffer.from(given), datatype, 1)).toEqual([expected]);
      }),
    );
  });

  it("reads BF16 as the upper half of a float", () => {
    for (const value of [1, -2.5, 0.15625, Number.POSITIVE_INFINITY]) {
      const upper = Buffer.from(new Float32Array([value]).buffer).subarray(2);
      expect(readRaw(upper, "BF16", 1)).toEqual([value]);
    }
  });
});

describe("V1 and Seldon", () => {
  it("have rows as values, lists or objects", () => {
    expect(
      readBody(
        "request",
        json({
          instances: [
            [1, 2],
            [3, 4],
          ],
        }),
        null,
      ),
    ).toMatchObject({
      protocol: "v1",
      body: { inputs: [{ shape: [2, 2], data: [1, 2, 3, 4], columns: null }] },
    });
    expect(readBody("response", json({ predictions: [0.1, 0.9] }), null)).toMatchObject({
      body: { outputs: [{ shape: [2, 1], data: [0.1, 0.9] }] },
    });
    expect(
      readBody("request", json({ instances: [{ a: 1, b: "x" }, { a: 2 }] }), null).body.inputs,
    ).toMatchObject([{ columns: ["a", "b"], data: [1, "x", 2, null] }]);
    const seldon = json({ data: { names: ["a", "b"], ndarray: [[1, 2]] } });
    expect(readBody("request", seldon, null).body.inputs).toMatchObject([
      { columns: ["a", "b"], data: [1, 2] },
    ]);
    expect(readBody("response", seldon, null).body.outputs).toHaveLength(1);
  });
});

describe("what nobody should send", () => {
  it.each([
    ["fewer elements than the shape says", { inputs: [tensor("x", "FP32", [3], [1, 2])] }],
    ["a shape of billions", { inputs: [tensor("x", "FP32", [1e5, 1e5], [])] }],
    ["objects among the elements", { inputs: [tensor("x", "FP32", [1], [{}])] }],
    ["rows of different lengths", { instances: [[1], [1, 2]] }],
    ["rows of different kinds", { instances: [{ a: 1 }, [1]] }],
    [
      "a column of its own in every row",
      { instances: Array.from({ length: 9_000 }, (_, i) => ({ [`c${i}`]: 1 })) },
    ],
    ["no protocol", { hello: "world" }],
    ["a list", [1]],
  ])("with %s is malformed", (_what, value) => {
    expect(() => readBody("request", json(value), null)).toThrow(
      expect.objectContaining({ code: "request_malformed" }),
    );
  });

  it("nested without end is malformed", () => {
    const deep = `{"instances":[${"[".repeat(20_000)}1${"]".repeat(20_000)}]}`;
    expect(() => readBody("request", Buffer.from(deep), null)).toThrow(
      expect.objectContaining({ code: "request_malformed" }),
    );
  });

  it("is refused or read, and never ends the process: random and damaged bodies", () => {
    const good = binary([["x", "FP32", [2], Buffer.alloc(8)]]).bytes;
    const damaged = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 })
      .map((changes) => {
        const bytes = Buffer.from(good);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const some = fc.oneof(
      damaged,
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.jsonValue().map(json),
      fc
        .record({
          name: fc.string(),
          datatype: fc.string(),
          shape: fc.array(fc.nat(9)),
          data: fc.jsonValue(),
        })
        .map((one) => json({ inputs: [one] })),
    );
    fc.assert(
      fc.property(some, fc.option(fc.integer({ min: -5, max: 400 })), (bytes, length) => {
        try {
          readBody("request", bytes, length);
        } catch (error) {
          expect(error).toBeInstanceOf(DriftmendError);
          expect(error).toMatchObject({ code: "request_malformed" });
        }
      }),
      { numRuns: 5000 },
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readInferMessage } from "../../../agent/mapping/infer-message.ts";
import { DriftmendError } from "../../../contract/driftmend-error.ts";
import { encode, inferRequest, inferResponse } from "../infer-schema.ts";

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const int32 = fc.integer();
/** Datatype, field of the contents, what to send, and what must be read. */
const KINDS = {
  BOOL: ["bool_contents", fc.boolean(), (value: unknown) => value],
  INT32: ["int_contents", int32, (value: unknown) => value],
  INT64: ["int64_contents", int64.map(String), (value: unknown) => BigInt(String(value))],
  UINT32: ["uint_contents", fc.nat(), (value: unknown) => value],
  UINT64: ["uint64_contents", uint64.map(String), (value: unknown) => BigInt(String(value))],
  FP32: ["fp32_contents", fc.float(), (value: unknown) => value],
  FP64: ["fp64_contents", fc.double(), (value: unknown) => value],
  BYTES: [
    "bytes_contents",
    fc.string({ unit: "grapheme" }).map((text) => Buffer.from(text).toString("base64")),
    (value: unknown) => Buffer.from(String(value), "base64").toString("utf8"),
  ],
} as const;

const tensor = fc
  .constantFrom(...(Object.keys(KINDS) as (keyof typeof KINDS)[]))
  .chain((datatype) => {
    const [field, element, read] = KINDS[datatype];
    return fc.array(element as fc.Arbitrary<unknown>, { maxLength: 8 }).map((values) => ({
      sent: { name: datatype, datatype, shape: [values.length], contents: { [field]: values } },
      read: values.map((value) => read(value as never)),
    }));
  });

describe("ModelInfer over gRPC", () => {
  it("gives the elements that protobufjs wrote, of every type", () => {
    fc.assert(
      fc.property(fc.array(tensor, { maxLength: 4 }), fc.string(), (tensors, id) => {
        const bytes = encode(inferRequest, {
          ...{ model_name: "m", id, inputs: tensors.map(({ sent }) => sent) },
          outputs: [{ name: "wanted" }],
          parameters: { a: { string_param: "b" } },
        });
        const { inputs, ...body } = readInferMessage("request", bytes);
        expect(inputs.map(({ data }) => data)).toEqual(tensors.map(({ read }) => read));
        expect(body).toMatchObject({ model: "m", id: id === "" ? null : id, outputs: [] });
      }),
      { numRuns: 500 },
    );
  });

  it("reads raw contents, as Triton's clients send them", () => {
    const raw = [
      Buffer.from(new Float32Array([0.5, 2]).buffer),
      Buffer.from("\u0002\0\0\0ab", "latin1"),
    ];
    const outputs = [
      { name: "p", datatype: "FP32", shape: [1, 2] },
      { name: "word", datatype: "BYTES", shape: [1] },
    ];
    const bytes = encode(inferResponse, {
      ...{ model_name: "m", model_version: "2", outputs },
      raw_output_contents: raw.map((one) => one.toString("base64")),
    });
    expect(readInferMessage("response", bytes)).toMatchObject({
      version: "2",
      outputs: [
        { name: "p", shape: [1, 2], data: [0.5, 2] },
        { name: "word", data: ["ab"] },
      ],
    });
  });

  it("refuses or reads whatever comes, and never more than the shape says", () => {
    const good = encode(inferRequest, {
      model_name: "m",
      inputs: [{ name: "x", datatype: "FP32", shape: [2], contents: { fp32_contents: [1, 2] } }],
    });
    const damaged = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      .map((changes) => {
        const bytes = Buffer.from(good);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const some = fc.oneof(
      damaged,
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(some, (bytes) => {
        try {
          for (const { shape, data } of readInferMessage("request", bytes).inputs) {
            expect(data).toHaveLength(shape.reduce((product, length) => product * length, 1));
          }
        } catch (error) {
          expect(error).toBeInstanceOf(DriftmendError);
          expect(error).toMatchObject({ code: "request_malformed" });
        }
      }),
      { numRuns: 20_000 },
    );
  });
});

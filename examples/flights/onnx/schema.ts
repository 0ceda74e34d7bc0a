/**
 * Messages of onnx.proto3 that the flights' graph is made of, one function each. Field numbers are the
 * schema's; IR version 9 with opset 17 and ai.onnx.ml 3 is what onnxruntime has read for years.
 */
import {
  bytesField,
  integerField,
  littleEndianFloats,
  littleEndianInt64s,
  message,
  packedFloatsField,
  packedIntegersField,
} from "./protobuf.ts";

const IR_VERSION = 9;
const OPSETS = [
  { domain: "", version: 17 },
  { domain: "ai.onnx.ml", version: 3 },
] as const;

const ELEMENT = { float: 1, int64: 7, string: 8 } as const;
const ATTRIBUTE = { int: 2, floats: 6, ints: 7, strings: 8 } as const;

export type ElementType = keyof typeof ELEMENT;

/** AttributeProto of each kind in use. */
export const attribute = {
  int: (name: string, value: number): Uint8Array =>
    message(bytesField(1, name), integerField(3, value), integerField(20, ATTRIBUTE.int)),
  floats: (name: string, values: readonly number[]): Uint8Array =>
    message(bytesField(1, name), packedFloatsField(7, values), integerField(20, ATTRIBUTE.floats)),
  ints: (name: string, values: readonly number[]): Uint8Array =>
    message(bytesField(1, name), packedIntegersField(8, values), integerField(20, ATTRIBUTE.ints)),
  strings: (name: string, values: readonly string[]): Uint8Array =>
    message(
      bytesField(1, name),
      ...values.map((value) => bytesField(9, value)),
      integerField(20, ATTRIBUTE.strings),
    ),
};

export interface Node {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: readonly Uint8Array[];
}

/** NodeProto; it is named after its output. */
export const node = (spec: Node): Uint8Array =>
  message(
    ...spec.inputs.map((input) => bytesField(1, input)),
    bytesField(2, spec.output),
    bytesField(3, spec.output),
    bytesField(4, spec.op),
    ...(spec.attributes ?? []).map((bytes) => bytesField(5, bytes)),
    ...(spec.domain === undefined ? [] : [bytesField(7, spec.domain)]),
  );

/** TensorProto of rank 1. */
export const floatTensor = (name: string, values: ArrayLike<number>): Uint8Array =>
  message(
    integerField(1, values.length),
    integerField(2, ELEMENT.float),
    bytesField(8, name),
    bytesField(9, littleEndianFloats(values)),
  );

/** TensorProto of rank 1. */
export const int64Tensor = (name: string, values: readonly number[]): Uint8Array =>
  message(
    integerField(1, values.length),
    integerField(2, ELEMENT.int64),
    bytesField(8, name),
    bytesField(9, littleEndianInt64s(values)),
  );

/** ValueInfoProto; a string is a symbolic dimension. */
export function valueInfo(
  name: string,
  type: ElementType,
  shape: readonly (number | string)[],
): Uint8Array {
  const dimensions = shape.map((size) =>
    bytesField(1, typeof size === "string" ? bytesField(2, size) : integerField(1, size)),
  );
  const tensor = message(integerField(1, ELEMENT[type]), bytesField(2, message(...dimensions)));
  return message(bytesField(1, name), bytesField(2, bytesField(1, tensor)));
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly Uint8Array[];
  readonly initializers: readonly Uint8Array[];
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
  /** `metadata_props`: who made it from what. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** ModelProto: the bytes of an `.onnx` file. */
export function modelProto(graph: Graph): Uint8Array {
  const graphProto = message(
    ...graph.nodes.map((bytes) => bytesField(1, bytes)),
    bytesField(2, graph.name),
    ...graph.initializers.map((bytes) => bytesField(5, bytes)),
    ...graph.inputs.map((bytes) => bytesField(11, bytes)),
    ...graph.outputs.map((bytes) => bytesField(12, bytes)),
  );
  return message(
    integerField(1, IR_VERSION),
    bytesField(2, "driftmend-flights"),
    bytesField(7, graphProto),
    ...OPSETS.map(({ domain, version }) =>
      bytesField(8, message(bytesField(1, domain), integerField(2, version))),
    ),
    ...Object.entries(graph.metadata).map(([key, value]) =>
      bytesField(14, message(bytesField(1, key), bytesField(2, value))),
    ),
  );
}

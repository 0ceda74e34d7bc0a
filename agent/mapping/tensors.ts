/**
 * Bodies of the inference protocols as tensors: V2 (the Open Inference Protocol) as JSON, with its binary
 * extension too, and V1. Elements row by row. Sources: the protocol's REST specification, Triton's binary
 * tensor data extension, KServe's V1.
 */
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import { malformedBody } from "../otlp/wire.ts";

export type Element = number | bigint | string | boolean | null;

export interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: readonly Element[];
  /** V1's rows that name their columns; else null. */
  readonly columns: readonly string[] | null;
}

export interface TensorBody {
  readonly id: string | null;
  readonly model: string | null;
  readonly version: string | null;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** The JSON part, for places in it. */
  readonly json: unknown;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * @param json the JSON part, a request's or a response's
 * @param binary what follows it: the bytes of tensors that have none in the JSON
 * @throws {DriftmendError} request_malformed
 */
export function readV2(json: Json, binary: Buffer): TensorBody {
  const { id, model_name: model, model_version: version, inputs, outputs } = json;
  const rest = { bytes: binary, at: 0 };
  const left = { elements: LIMITS.tensorElementsMax };
  const read = (tensors: unknown): Tensor[] => {
    const list = listOf(tensors, "a list of tensors");
    checkTensors(list.length);
    return list.map((tensor) => v2Tensor(objectOf(tensor), rest, left));
  };
  return {
    id: textOf(id, "id"),
    model: textOf(model, "model_name"),
    version: typeof version === "number" ? String(version) : textOf(version, "model_version"),
    inputs: inputs === undefined ? [] : read(inputs),
    // A request names the outputs that it wants, without data.
    outputs: inputs === undefined && outputs !== undefined ? read(outputs) : [],
    json,
  };
}

function v2Tensor(
  tensor: Json,
  binary: { readonly bytes: Buffer; at: number },
  left: { elements: number },
): Tensor {
  const name = textOf(tensor["name"], "a tensor's name") ?? "";
  const datatype = textOf(tensor["datatype"], `the datatype of "${name}"`) ?? "";
  const shape = listOf(tensor["shape"], `the shape of "${name}"`).map((length) => {
    if (typeof length === "number" && Number.isSafeInteger(length) && length >= 0) return length;
    throw malformedBody(`the shape of "${name}" is not whole numbers`);
  });
  const size = elementsOf(shape);
  if (size > left.elements) throw malformedBody("its tensors have too many elements");
  left.elements -= size;
  const parameters = tensor["parameters"];
  const binaryBytes =
    parameters === undefined || parameters === null
      ? undefined
      : objectOf(parameters)["binary_data_size"];
  const data =
    binaryBytes === undefined
      ? flatten(tensor["data"], size)
      : readRaw(nextBytes(binary, binaryBytes, name), datatype, size);
  if (data === null) {
    throw malformedBody(`tensor "${name}" has not the ${size} elements of its shape`);
  }
  return { name, datatype, shape, data, columns: null };
}

function nextBytes(
  binary: { readonly bytes: Buffer; at: number },
  length: unknown,
  name: string,
): Buffer {
  const end = binary.at + (Number.isSafeInteger(length) ? Number(length) : Number.NaN);
  if (!(end >= binary.at && end <= binary.bytes.length)) {
    throw malformedBody(`tensor "${name}" ends beyond the body`);
  }
  const bytes = binary.bytes.subarray(binary.at, end);
  binary.at = end;
  return bytes;
}

/** Of a shape; a dimension of none makes the others, however large, hold nothing. */
export function elementsOf(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, length) => product * length, 1);
}

/** @throws {DriftmendError} request_malformed: each costs work for each row, also where it holds nothing */
export function checkTensors(count: number): void {
  if (count > LIMITS.tensorsMax) throw malformedBody(`it has ${count} tensors`);
}

function objectOf(value: unknown): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw malformedBody("there is no object where one belongs");
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw malformedBody(`${what} is no list`);
}

function textOf(value: unknown, what: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return value;
  throw malformedBody(`${what} is no text`);
}

/** V1: `instances` of a request, `predictions` of a response; a row is a value, a list or an object by name. */
export function readV1(json: Json): TensorBody {
  const { id, instances, predictions } = json;
  return {
    ...{ id: textOf(id, "id"), model: null, version: null, json },
    inputs: instances === undefined ? [] : [v1Rows("instances", listOf(instances, "instances"))],
    outputs:
      predictions === undefined ? [] : [v1Rows("predictions", listOf(predictions, "predictions"))],
  };
}

/** Seldon's own: `data` with `names` and an `ndarray` of rows, or a `tensor`; alike for both sides. */
export function readSeldon(side: "request" | "response", json: Json): TensorBody {
  const parsed = z
    .looseObject({
      meta: z.looseObject({ puid: z.string().optional() }).optional(),
      data: z.looseObject({
        names: z.array(z.string()).optional(),
        ndarray: z.array(z.unknown()).optional(),
        tensor: z
          .looseObject({ shape: z.array(z.int().min(0)), values: z.array(z.number()) })
          .optional(),
      }),
    })
    .safeParse(json);
  if (!parsed.success) throw malformedBody(z.prettifyError(parsed.error));
  const { meta, data } = parsed.data;
  const name = side === "request" ? "instances" : "predictions";
  const tensor = seldonTensor(name, data.ndarray, data.tensor);
  const columns = data.names?.length === tensor.shape[1] ? (data.names ?? null) : null;
  const tensors = [{ ...tensor, columns }];
  return {
    ...{ id: meta?.puid ?? null, model: null, version: null, json },
    inputs: side === "request" ? tensors : [],
    outputs: side === "response" ? tensors : [],
  };
}

function seldonTensor(
  name: string,
  ndarray: readonly unknown[] | undefined,
  tensor: { readonly shape: readonly number[]; readonly values: readonly number[] } | undefined,
): Tensor {
  if (ndarray !== undefined) return v1Rows(name, ndarray);
  if (tensor === undefined) throw malformedBody('its "data" has neither "ndarray" nor "tensor"');
  const { shape, values } = tensor;
  checkSize(values.length);
  if (elementsOf(shape) !== values.length) {
    throw malformedBody("its tensor has not the elements of its shape");
  }
  return { name, datatype: "FP64", shape, data: values, columns: null };
}

function v1Rows(name: string, rows: readonly unknown[]): Tensor {
  const first = rows[0];
  if (typeof first === "object" && first !== null && !Array.isArray(first)) {
    const columns = [...new Set(rows.flatMap((row) => Object.keys(asObject(row))))];
    checkSize(rows.length * columns.length);
    const data = rows.flatMap((row) => {
      const object = new Map(Object.entries(asObject(row)));
      return columns.map((column) => elementOf(object.get(column)));
    });
    return { name, datatype: "JSON", shape: [rows.length, columns.length], data, columns };
  }
  const width = Array.isArray(first) ? sizeOf(first) : 1;
  checkSize(rows.length * width);
  const data = flatten(rows, rows.length * width);
  if (data === null) throw malformedBody(`rows of "${name}" have different lengths`);
  return { name, datatype: "JSON", shape: [rows.length, width], data, columns: null };
}

function checkSize(elements: number): void {
  if (elements > LIMITS.tensorElementsMax) throw malformedBody("it has too many elements");
}

function asObject(row: unknown): object {
  if (typeof row === "object" && row !== null && !Array.isArray(row)) return row;
  throw malformedBody("some rows are objects and some are not");
}

function sizeOf(value: unknown, depth = 0): number {
  if (!Array.isArray(value)) return 1;
  if (depth >= DEPTH_MAX) throw malformedBody("its values are nested too deeply");
  return value.reduce((sum: number, item) => sum + sizeOf(item, depth + 1), 0);
}

/** Nested or flat, row-major; null where there are not exactly `size` plain values. */
function flatten(data: unknown, size: number): Element[] | null {
  const out: Element[] = [];
  const add = (value: unknown, depth: number): boolean => {
    if (!Array.isArray(value)) {
      if (value === undefined || (typeof value === "object" && value !== null)) return false;
      return out.push(elementOf(value)) <= size;
    }
    return depth < DEPTH_MAX && value.every((item) => add(item, depth + 1));
  };
  return Array.isArray(data) && add(data, 0) && out.length === size ? out : null;
}

const DEPTH_MAX = 32;

function elementOf(value: unknown): Element {
  switch (typeof value) {
    case "number":
    case "string":
    case "boolean":
    case "bigint":
      return value;
    default:
      return null;
  }
}

type ReadElement = (bytes: Buffer, at: number) => Element;

/** Little-endian, as the binary extension has them. */
const RAW: Readonly<Record<string, { readonly bytes: number; readonly read: ReadElement }>> = {
  BOOL: { bytes: 1, read: (bytes, at) => bytes[at] !== 0 },
  UINT8: { bytes: 1, read: (bytes, at) => bytes.readUInt8(at) },
  UINT16: { bytes: 2, read: (bytes, at) => bytes.readUInt16LE(at) },
  UINT32: { bytes: 4, read: (bytes, at) => bytes.readUInt32LE(at) },
  UINT64: { bytes: 8, read: (bytes, at) => bytes.readBigUInt64LE(at) },
  INT8: { bytes: 1, read: (bytes, at) => bytes.readInt8(at) },
  INT16: { bytes: 2, read: (bytes, at) => bytes.readInt16LE(at) },
  INT32: { bytes: 4, read: (bytes, at) => bytes.readInt32LE(at) },
  INT64: { bytes: 8, read: (bytes, at) => bytes.readBigInt64LE(at) },
  FP16: { bytes: 2, read: (bytes, at) => halfOf(bytes.readUInt16LE(at)) },
  FP32: { bytes: 4, read: (bytes, at) => bytes.readFloatLE(at) },
  FP64: { bytes: 8, read: (bytes, at) => bytes.readDoubleLE(at) },
  BF16: { bytes: 2, read: (bytes, at) => brainOf(bytes.readUInt16LE(at)) },
};

/** Null where the bytes are not exactly so many elements. */
export function readRaw(bytes: Buffer, datatype: string, size: number): Element[] | null {
  if (datatype === "BYTES") return readTexts(bytes, size);
  const raw = RAW[datatype];
  if (raw === undefined || bytes.length !== size * raw.bytes) return null;
  return Array.from({ length: size }, (_, i) => raw.read(bytes, i * raw.bytes));
}

/** Each text with its length as UInt32 before it. */
function readTexts(bytes: Buffer, size: number): Element[] | null {
  const texts: Element[] = [];
  let at = 0;
  while (texts.length < size) {
    if (at + 4 > bytes.length) return null;
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) return null;
    texts.push(bytes.toString("utf8", at + 4, end));
    at = end;
  }
  return at === bytes.length ? texts : null;
}

/** IEEE 754 binary16. */
function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a binary32. */
function brainOf(bits: number): number {
  const scratch = Buffer.alloc(4);
  scratch.writeUInt16LE(bits, 2);
  return scratch.readFloatLE(0);
}

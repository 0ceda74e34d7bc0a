/**
 * ModelInferRequest and ModelInferResponse of the Open Inference Protocol over gRPC, as tensors. Field numbers
 * are those of grpc_service.proto; both messages are alike but for one number.
 */
import { LIMITS } from "../../contract/limits.ts";
import { malformedBody, Wire } from "../otlp/wire.ts";
import type { Side } from "./read-body.ts";
import {
  type Element,
  type Tensor,
  type TensorBody,
  checkTensors,
  elementsOf,
  readRaw,
} from "./tensors.ts";

const RAW = { request: 7, response: 6 } as const;

/** @throws {DriftmendError} request_malformed */
export function readInferMessage(side: Side, bytes: Buffer): TensorBody {
  const wire = new Wire();
  wire.open(bytes);
  let [model, version, id] = ["", "", ""];
  const heads: TensorHead[] = [];
  const raws: Buffer[] = [];
  const end = bytes.length;
  while (wire.at < end) {
    const tag = wire.tag();
    const field = tag >>> 3;
    if ((tag & 7) !== 2 || field === 0 || field > 7) {
      wire.skip(tag, end);
      continue;
    }
    const fieldEnd = wire.delimited(end);
    if (field === 1) model = textOf(wire, fieldEnd);
    else if (field === 2) version = textOf(wire, fieldEnd);
    else if (field === 3) id = textOf(wire, fieldEnd);
    else if (field === 5) heads.push(readTensor(wire, fieldEnd));
    else if (field === RAW[side]) raws.push(bytes.subarray(wire.at, fieldEnd));
    wire.at = fieldEnd;
  }
  wire.mustBeAt(end);
  if (raws.length > 0 && raws.length !== heads.length) {
    throw malformedBody(`it has ${heads.length} tensors and ${raws.length} raw contents`);
  }
  checkTensors(heads.length);
  const sizes = heads.map(({ shape }) => elementsOf(shape));
  if (sizes.reduce((sum, size) => sum + size, 0) > LIMITS.tensorElementsMax) {
    throw malformedBody("its tensors have too many elements");
  }
  const tensors = heads.map((head, i) => tensorOf(head, sizes[i] ?? 0, raws[i] ?? null));
  return {
    id: id === "" ? null : id,
    model: model === "" ? null : model,
    version: version === "" ? null : version,
    inputs: side === "request" ? tensors : [],
    outputs: side === "response" ? tensors : [],
    json: null,
  };
}

interface TensorHead {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly contents: readonly Element[];
}

function tensorOf(
  { name, datatype, shape, contents }: TensorHead,
  size: number,
  raw: Buffer | null,
): Tensor {
  const data = raw === null ? contents : readRaw(raw, datatype, size);
  if (data === null || data.length !== size) {
    throw malformedBody(`tensor "${name}" has not ${size} elements of ${datatype}`);
  }
  return { name, datatype, shape, data, columns: null };
}

/** name = 1, datatype = 2, shape = 3, contents = 5. */
function readTensor(wire: Wire, end: number): TensorHead {
  let [name, datatype] = ["", ""];
  const shape: number[] = [];
  const contents: Element[] = [];
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === 0x18) {
      shape.push(wire.int64());
      continue;
    }
    if ((tag & 7) !== 2 || tag < 8 || tag >>> 3 > 5) {
      wire.skip(tag, end);
      continue;
    }
    const fieldEnd = wire.delimited(end);
    if (tag === 0x0a) name = textOf(wire, fieldEnd);
    else if (tag === 0x12) datatype = textOf(wire, fieldEnd);
    else if (tag === 0x1a) readLengths(wire, fieldEnd, shape);
    else if (tag === 0x2a) readContents(wire, fieldEnd, contents);
    wire.at = fieldEnd;
  }
  wire.mustBeAt(end);
  if (shape.some((length) => !(length >= 0))) throw malformedBody(`tensor "${name}" has no shape`);
  return { name, datatype, shape, contents };
}

function readLengths(wire: Wire, end: number, shape: number[]): void {
  while (wire.at < end) shape.push(wire.int64());
  wire.mustBeAt(end);
}

/** By field of InferTensorContents; each is repeated, packed or not. */
const READ: Readonly<Record<number, (wire: Wire) => Element>> = {
  1: (wire) => wire.varint() !== 0,
  2: (wire) => wire.int32(),
  3: (wire) => BigInt(wire.int64Text()),
  4: (wire) => wire.int32() >>> 0,
  5: (wire) => BigInt.asUintN(64, BigInt(wire.int64Text())),
  6: (wire) => wire.float(),
  7: (wire) => wire.double(),
};
const BYTES = 8;
/** Wire types of those fields where they are not packed. */
const UNPACKED = [0, 0, 0, 0, 0, 0, 5, 1];

/** Contents in parts belong together. */
function readContents(wire: Wire, end: number, elements: Element[]): void {
  while (wire.at < end) {
    const tag = wire.tag();
    const field = tag >>> 3;
    const read = READ[field];
    if (field === BYTES && (tag & 7) === 2) {
      const textEnd = wire.delimited(end);
      elements.push(textOf(wire, textEnd));
      wire.at = textEnd;
    } else if (read !== undefined && (tag & 7) === 2) {
      const packedEnd = wire.delimited(end);
      while (wire.at < packedEnd) elements.push(read(wire));
      wire.mustBeAt(packedEnd);
    } else if (read !== undefined && (tag & 7) === UNPACKED[field]) {
      elements.push(read(wire));
    } else {
      wire.skip(tag, end);
    }
  }
  wire.mustBeAt(end);
}

const textOf = (wire: Wire, end: number): string => wire.bytes.toString("utf8", wire.at, end);

/** ModelInfer of gRPC, asked and answered, against protobufjs: what both read must be the same tensors. */
import { readInferMessage } from "../../../agent/mapping/infer-message.ts";
import type { Side } from "../../../agent/mapping/read-body.ts";
import type { TensorBody } from "../../../agent/mapping/tensors.ts";
import type { Random } from "../../../runtime/random.ts";
import { lenientInfer } from "../../agent/infer-schema.ts";
import { type Door, Violation, verdictOf } from "../door.ts";
import {
  chance,
  hostileInteger,
  hostileNumber,
  hostileText,
  pick,
  sized,
} from "../hostile-values.ts";
import { mutate } from "../mutate.ts";
import { delimited, double, message, text, varint, whole } from "../protobuf-writer.ts";
import { same, shown } from "../sound-record.ts";

const DATATYPES = [
  "FP32",
  "FP64",
  "INT64",
  "BYTES",
  "BOOL",
  "UINT64",
  "INT32",
  "FP16",
  "x",
] as const;
const WIDTHS = {
  FP32: 4,
  FP64: 8,
  INT64: 8,
  BOOL: 1,
  UINT64: 8,
  INT32: 4,
  FP16: 2,
  BYTES: 4,
  x: 4,
};
/** Field of InferTensorContents by datatype. */
const FIELDS = {
  BOOL: 1,
  INT32: 2,
  INT64: 3,
  UINT64: 5,
  FP32: 6,
  FP64: 7,
  BYTES: 8,
  FP16: 9,
  x: 4,
};

function contents(random: Random, datatype: (typeof DATATYPES)[number], size: number): Buffer {
  const field = FIELDS[datatype];
  const isPacked = field < 8 && chance(random, 0.7);
  const values = Array.from({ length: size }, () => {
    if (field === 8) return text(random, 8, hostileText(random));
    if (field === 7)
      return isPacked ? doubleBytes(random) : double(random, 7, hostileNumber(random));
    if (field === 6)
      return isPacked
        ? floatBytes(random)
        : Buffer.concat([Buffer.from([0x35]), floatBytes(random)]);
    return isPacked
      ? varint(random, hostileInteger(random))
      : whole(random, field, hostileInteger(random));
  });
  if (!isPacked) return message(random, values);
  return message(random, [delimited(random, field, Buffer.concat(values))]);
}

function doubleBytes(random: Random): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(hostileNumber(random));
  return bytes;
}

function floatBytes(random: Random): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(random.next() * 100);
  return bytes;
}

function tensor(random: Random, isRaw: boolean): { readonly head: Buffer; readonly raw: Buffer } {
  const datatype = pick(random, DATATYPES);
  const shape = Array.from({ length: random.integer(4) }, () =>
    chance(random, 0.93) ? BigInt(random.integer(4)) : hostileInteger(random),
  );
  const size = Math.min(Number(shape.reduce((product, n) => product * n, 1n)), 500);
  const lengths = Buffer.concat(shape.map((n) => varint(random, n)));
  const fields = [
    text(random, 1, chance(random, 0.9) ? "x" : hostileText(random)),
    text(random, 2, datatype),
    ...(chance(random, 0.7)
      ? [delimited(random, 3, lengths)]
      : shape.map((n) => whole(random, 3, n))),
  ];
  if (!isRaw) fields.push(delimited(random, 5, contents(random, datatype, Math.max(size, 0))));
  const raw = Buffer.alloc(Math.max(size, 0) * WIDTHS[datatype], random.integer(256));
  return { head: message(random, fields), raw };
}

function make(random: Random): Buffer {
  const side: Side = chance(random, 0.5) ? "request" : "response";
  const infer = (): Buffer => {
    const isRaw = chance(random, 0.5);
    const tensors = Array.from({ length: sized(random, 4) }, () => tensor(random, isRaw));
    return message(random, [
      text(random, 1, hostileText(random)),
      text(random, 3, "r-1"),
      ...tensors.map(({ head }) => delimited(random, 5, head)),
      ...(isRaw
        ? tensors.map(({ raw }) => delimited(random, side === "request" ? 7 : 6, raw))
        : []),
    ]);
  };
  const bytes = chance(random, 0.6) ? mutate(random, infer(), infer()) : infer();
  return Buffer.concat([Buffer.from([side === "request" ? 0 : 1]), bytes]);
}

export function inferMessageDoor(): Door {
  return {
    name: "infer-message",
    weight: 14,
    make,
    feed: (payload) => {
      const side: Side = payload[0] === 1 ? "response" : "request";
      const bytes = payload.subarray(1);
      return verdictOf(["request_malformed"], () => {
        const body = readInferMessage(side, bytes);
        const theirs = decoded(side, bytes);
        if (theirs === null) throw new Violation("we take what protobufjs refuses");
        compare(body, side, theirs);
      });
    },
  };
}

interface Decoded {
  readonly id?: string;
  readonly inputs?: readonly DecodedTensor[];
  readonly outputs?: readonly DecodedTensor[];
  readonly raw_input_contents?: readonly Buffer[];
  readonly raw_output_contents?: readonly Buffer[];
}

interface DecodedTensor {
  readonly name?: string;
  readonly shape?: readonly string[];
  readonly contents?: Readonly<Record<string, readonly unknown[]>>;
}

function decoded(side: Side, bytes: Buffer): Decoded | null {
  const type = lenientInfer[side];
  try {
    return type.toObject(type.decode(bytes), { longs: String }) as Decoded;
  } catch {
    return null;
  }
}

/** Names, shapes, and contents of tensors that have one kind of contents, as texts: their types differ. */
function compare(body: TensorBody, side: Side, theirs: Decoded): void {
  const isRequest = side === "request";
  const ours = isRequest ? body.inputs : body.outputs;
  const others = (isRequest ? theirs.inputs : theirs.outputs) ?? [];
  const raw = isRequest ? theirs.raw_input_contents : theirs.raw_output_contents;
  const isRaw = (raw ?? []).length > 0;
  const left = ours.map(({ name, shape }) => [name, shape.map(String)]);
  const right = others.map(({ name, shape }) => [
    name ?? "",
    (shape ?? []).map((n) => String(Number(n))),
  ]);
  if (!same(left, right)) throw new Violation(`tensors differ: ${shown(left)} and ${shown(right)}`);
  if (isRaw) return;
  for (const [i, { data }] of ours.entries()) {
    const kinds = Object.values(others[i]?.contents ?? {});
    if (kinds.length > 1) continue;
    const values = (kinds[0] ?? []).map((value) =>
      Buffer.isBuffer(value) ? value.toString() : String(value),
    );
    const numbers = data.map(String);
    if (!same(numbers, values)) {
      throw new Violation(`contents differ: ${shown(numbers)} and ${shown(values)}`);
    }
  }
}

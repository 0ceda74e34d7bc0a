/**
 * The part of the protobuf wire format that an ONNX file needs, written. A message is a list of
 * fields, so that the graph's code reads like the schema (onnx.proto3) and needs no code generator.
 */
type Field = Uint8Array;

/** Field of wire type 0: an integer of at most 2^53, negative ones as ten bytes like int64. */
export function integerField(field: number, value: number): Field {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

/** Field of wire type 2 with raw bytes, a string or an embedded message. */
export function bytesField(field: number, value: Uint8Array | string): Field {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

/** Packed repeated float: little-endian, 4 bytes each. */
export function packedFloatsField(field: number, values: ArrayLike<number>): Field {
  return bytesField(field, littleEndianFloats(values));
}

/** Packed repeated int64. */
export function packedIntegersField(field: number, values: readonly number[]): Field {
  return bytesField(field, Buffer.concat(values.map(varint)));
}

export const message = (...fields: readonly Field[]): Uint8Array => Buffer.concat(fields);

export function littleEndianFloats(values: ArrayLike<number>): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  for (let i = 0; i < values.length; i++) bytes.writeFloatLE(values[i] ?? 0, i * 4);
  return bytes;
}

export function littleEndianInt64s(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, i) => bytes.writeBigInt64LE(BigInt(value), i * 8));
  return bytes;
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

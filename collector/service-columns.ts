/**
 * Adds the columns `_spool` and `_seq` to a payload without touching its other bytes: a Native block is a
 * count of columns, a count of rows, and the columns one after the other.
 */
import { NativeWriter } from "../contract/native-writer.ts";
import { NativeReader } from "../contract/native-reader.ts";

/** The pieces of the new block, in order. */
export function withServiceColumns(
  payload: Uint8Array,
  spool: string,
  seq: number,
): readonly Uint8Array[] {
  const reader = new NativeReader(payload);
  const columns = reader.varint();
  const rows = reader.varint();
  const body = payload.subarray(payload.length - reader.remaining);
  const head = new NativeWriter();
  head.varint(columns + 2);
  head.varint(rows);
  const tail = new NativeWriter();
  tail.text("_spool");
  tail.text("LowCardinality(String)");
  tail.dictionaryPrefix();
  tail.dictionary([spool], new Uint8Array(rows));
  tail.text("_seq");
  tail.text("UInt64");
  tail.raw(new BigUint64Array(rows).fill(BigInt(seq)));
  return [head.finish(), body, tail.finish()];
}

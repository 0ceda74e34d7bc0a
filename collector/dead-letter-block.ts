/** The collector's own dead letters as one Native block, service columns included. */
import { type NamedColumn, writeBlock } from "../contract/native-block.ts";
import { NativeWriter } from "../contract/native-writer.ts";
import type { OwnDeadLetter } from "./group-builder.ts";

export function deadLetterBlock(letters: readonly OwnDeadLetter[]): Uint8Array {
  const times = Float64Array.from(letters, (letter) => letter.timeMs);
  const columns: NamedColumn[] = [
    { name: "time", type: "DateTime64(3, 'UTC')", column: { kind: "time", values: times } },
    texts("record", letters, (letter) => letter.record),
    texts("model", letters, (letter) => letter.model),
    strings("id", letters, (letter) => Buffer.from(letter.id)),
    texts("reason", letters, (letter) => letter.reason),
    strings("detail", letters, (letter) => Buffer.from(letter.detail)),
    strings("sample", letters, (letter) => Buffer.from(letter.sample)),
    {
      name: "rows",
      type: "UInt32",
      column: { kind: "uint32", values: Uint32Array.from(letters, (letter) => letter.rows) },
    },
    strings("payload", letters, (letter) => letter.payload),
    texts("_spool", letters, (letter) => letter.spool),
    {
      name: "_seq",
      type: "UInt64",
      column: { kind: "uint64", values: BigUint64Array.from(letters, ({ seq }) => BigInt(seq)) },
    },
  ];
  return writeBlock({ rows: letters.length, columns });
}

function texts(
  name: string,
  letters: readonly OwnDeadLetter[],
  of: (letter: OwnDeadLetter) => string,
): NamedColumn {
  const values = letters.map(of);
  const keys = [...new Set(values)];
  const numbers = new Map(keys.map((key, i) => [key, i]));
  const indexes = Uint32Array.from(values, (value) => numbers.get(value) ?? 0);
  return { name, type: "LowCardinality(String)", column: { kind: "dictionary", keys, indexes } };
}

function strings(
  name: string,
  letters: readonly OwnDeadLetter[],
  of: (letter: OwnDeadLetter) => Uint8Array,
): NamedColumn {
  const writer = new NativeWriter();
  for (const letter of letters) {
    const bytes = of(letter);
    writer.varint(bytes.length);
    writer.raw(bytes);
  }
  // The writer needs the bytes only; positions are for readers.
  const none = new Uint32Array(0);
  const native = writer.finish();
  return { name, type: "String", column: { kind: "string", native, starts: none, ends: none } };
}

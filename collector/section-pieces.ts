/** Sections of frames as blocks that are inserted: each with the columns that we add, small neighbours joined to one. */
import { LIMITS } from "../contract/limits.ts";
import { type Block, readBlock, writeBlock } from "../contract/native-block.ts";
import { joinBlocks, shapeOf } from "./join-blocks.ts";
import type { SectionTable } from "./payload-check.ts";
import { withServiceColumns } from "./service-columns.ts";

/** One section of a frame. */
export interface GroupSection {
  readonly table: SectionTable;
  readonly spool: string;
  readonly seq: number;
  readonly rows: number;
  /** Its block as it came. */
  readonly payload: Uint8Array;
}

/** The section's block with `_spool` and `_seq`. */
export function piecesOfSection({ payload, spool, seq }: GroupSection): readonly Uint8Array[] {
  return withServiceColumns(payload, spool, seq);
}

/** All blocks, to be sent one after the other; the same for the same sections. */
export function piecesOfSections(sections: readonly GroupSection[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let small: { readonly section: GroupSection; readonly block: Block }[] = [];
  const flush = (): void => {
    const [first, second] = small;
    if (first === undefined) return;
    if (second === undefined) pieces.push(...piecesOfSection(first.section));
    else pieces.push(writeBlock(withOrigins(small)));
    small = [];
  };
  let shape = "";
  for (const section of sections) {
    if (section.rows > LIMITS.joinedSectionRowsMax) {
      flush();
      pieces.push(...piecesOfSection(section));
      continue;
    }
    const block = readBlock(section.payload);
    if (shapeOf(block) !== shape || small.length >= LIMITS.joinedSectionsMax) flush();
    shape = shapeOf(block);
    small.push({ section, block });
  }
  flush();
  return pieces;
}

function withOrigins(
  parts: readonly { readonly section: GroupSection; readonly block: Block }[],
): Block {
  const { rows, columns } = joinBlocks(parts.map(({ block }) => block));
  const spools = [...new Set(parts.map(({ section }) => section.spool))];
  const placeOf = new Map(spools.map((spool, i) => [spool, i]));
  const indexes = new Uint32Array(rows);
  const seqs = new BigUint64Array(rows);
  let at = 0;
  for (const { section, block } of parts) {
    indexes.fill(placeOf.get(section.spool) ?? 0, at, at + block.rows);
    seqs.fill(BigInt(section.seq), at, at + block.rows);
    at += block.rows;
  }
  return {
    rows,
    columns: [
      ...columns,
      {
        ...{ name: "_spool", type: "LowCardinality(String)" as const },
        column: { kind: "dictionary", keys: spools, indexes },
      },
      {
        ...{ name: "_seq", type: "UInt64" as const },
        column: { kind: "uint64", values: seqs },
      },
    ],
  };
}

/** The manifest of a group: what is stored together and by what it is rolled up; the row of `ingest_groups`. */
import { type NamedColumn, writeBlock } from "../contract/native-block.ts";
import { NativeWriter } from "../contract/native-writer.ts";
import type { ManifestRow } from "../store/queries/ingest-groups.ts";

export type GroupManifest = ManifestRow;

/** One block with one row, as `insertGroup` takes it. */
export function manifestBlock(manifest: GroupManifest): Uint8Array {
  const text = JSON.stringify(manifest);
  const writer = new NativeWriter();
  writer.text(text);
  const native = writer.finish();
  const bytes = Buffer.byteLength(text);
  const column: NamedColumn = {
    name: "manifest",
    type: "String",
    column: {
      kind: "string",
      native,
      starts: Uint32Array.of(native.length - bytes),
      ends: Uint32Array.of(native.length),
    },
  };
  return writeBlock({ rows: 1, columns: [column] });
}

/** Whether two manifests name the same frames: whoever wrote it, that is the group. */
export function sameFrames(a: GroupManifest, b: GroupManifest): boolean {
  const key = (manifest: GroupManifest): string =>
    JSON.stringify(
      manifest.frames
        .map(({ spool, lo, hi }) => [spool, lo, hi] as const)
        .toSorted(([left], [right]) => (left < right ? -1 : 1)),
    );
  return key(a) === key(b);
}

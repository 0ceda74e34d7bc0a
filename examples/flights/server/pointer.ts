/**
 * The pointer file of the directory target: which versions serve, and which share of requests each
 * gets (docs/directory-target.md). A request is assigned by the hash of its id, so that a retry of a
 * client meets the same version.
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";

export const Pointer = z.object({
  revision: z.int(),
  versions: z
    .array(z.object({ version: z.string().min(1), share: z.number().min(0).max(1) }))
    .min(1)
    .refine((versions) => Math.abs(versions.reduce((sum, v) => sum + v.share, 0) - 1) < 1e-9, {
      message: "the shares must add up to 1",
    }),
});
export type Pointer = z.infer<typeof Pointer>;

export async function readPointer(path: string): Promise<Pointer> {
  return Pointer.parse(JSON.parse(await readFile(path, "utf8")));
}

/** The version that answers the request `id`. */
export function versionOf(pointer: Pointer, id: string): string {
  const place = hash32(id) / 4294967296;
  let passed = 0;
  for (const { version, share } of pointer.versions) {
    passed += share;
    if (place < passed) return version;
  }
  return pointer.versions.findLast(({ share }) => share > 0)?.version ?? "";
}

/** FNV-1a with a final avalanche, since ids that differ in the last digit must spread. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

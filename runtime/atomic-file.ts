/** Files that are either the old or the new content after a kill or a power cut, never half of one. */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes beside, fsyncs, renames, fsyncs the folder. `mode` as of open, default 0o644. */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  const temporary = `${path}.tmp`;
  // One that a kill has left behind would keep its own mode.
  await rm(temporary, { force: true });
  const file = await open(temporary, "w", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** How far the replay has come, kept over restarts: everything before `doneMs` was accepted. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeFileAtomic } from "../../../runtime/atomic-file.ts";

const Progress = z.object({
  doneMs: z.int(),
  predictions: z.int(),
  labels: z.int(),
});
export type Progress = z.infer<typeof Progress>;

/** Null when no replay has run in this folder. */
export async function readProgress(path: string): Promise<Progress | null> {
  try {
    return Progress.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

export const writeProgress = (path: string, progress: Progress): Promise<void> =>
  writeFileAtomic(path, JSON.stringify(progress));

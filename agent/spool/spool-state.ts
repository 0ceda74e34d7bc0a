/** What a spool knows besides its frames: who it is, how far it is stored, and the clocks of freed frames. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";

const hex32 = z.string().regex(/^[0-9a-f]{32}$/);

export const SpoolState = z.object({
  format: z.literal(1),
  /** 128 random bits made with the folder: never a host's name, which a copy of the machine would share. */
  spool: hex32,
  /** Secret key of the digests of request bodies. */
  digestKey: hex32,
  nextSeq: z.int().min(1),
  storedThrough: z.int().min(0),
  /**
   * The first frame since a collector last confirmed that it does not know later frames of this spool than
   * we do; null while it is confirmed. If the folder was copied, frames from here on are ours alone.
   */
  unconfirmedFrom: z.int().min(1).nullable(),
  /** Announced clocks by model, of all frames up to `nextSeq`. */
  clocks: z.array(z.tuple([z.string(), z.int()])),
});
export type SpoolState = z.output<typeof SpoolState>;

const FILE = "spool.json";

export function newSpoolState(randomHex: () => string): SpoolState {
  return {
    format: 1,
    spool: randomHex(),
    digestKey: randomHex(),
    nextSeq: 1,
    storedThrough: 0,
    unconfirmedFrom: null,
    clocks: [],
  };
}

/** Null where the folder has none yet. @throws {DriftmendError} spool_state_invalid */
export async function readSpoolState(folder: string): Promise<SpoolState | null> {
  const path = join(folder, FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  try {
    return SpoolState.parse(JSON.parse(text));
  } catch (cause) {
    throw new DriftmendError("spool_state_invalid", {
      retry: "never",
      message: `Cannot read "${path}" as the state of a spool: it is damaged or from a newer version`,
      next: "Run the version that wrote it; or move the folder away, which gives up what it holds.",
      cause,
    });
  }
}

export async function writeSpoolState(folder: string, state: SpoolState): Promise<void> {
  await writeFileAtomic(join(folder, FILE), JSON.stringify(state), 0o600);
}

/**
 * The layout of the endpoint's data directory, and whether this version may open it. `format.json`
 * is written once and names the layout and the newest engine that has written there.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";

/** Raise it when an older endpoint could no longer read what this one writes. */
export const DIRECTORY_FORMAT = 1;

const formatFile = z.object({ format: z.int().positive(), engine: z.string() });
export type FormatFile = z.infer<typeof formatFile>;

export interface DataDirectory {
  readonly root: string;
  readonly engine: string;
  readonly spool: string;
  readonly lockFile: string;
  readonly formatFile: string;
  readonly engineConfig: string;
}

export function dataDirectory(root: string): DataDirectory {
  return {
    root,
    engine: join(root, "engine"),
    spool: join(root, "spool"),
    lockFile: join(root, "lock"),
    formatFile: join(root, "format.json"),
    engineConfig: join(root, "engine.xml"),
  };
}

export type Opening =
  | { readonly kind: "new"; readonly reason: string }
  | { readonly kind: "known"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * @param engine version of the running engine, "26.7.2.1"; only its year and month must not be
 *   older
 */
export function decideOpening(
  written: FormatFile | undefined,
  format: number,
  engine: string,
): Opening {
  if (written === undefined) return { kind: "new", reason: "no format.json yet" };
  if (written.format > format) {
    return {
      kind: "refused",
      reason: `its format is ${written.format}, this version knows ${format}`,
    };
  }
  if (release(written.engine) > release(engine)) {
    return { kind: "refused", reason: `engine ${written.engine} wrote it, this one is ${engine}` };
  }
  return { kind: "known", reason: `format ${written.format} of engine ${written.engine}` };
}

function release(version: string): number {
  const [year = 0, month = 0] = version.split(".").map(Number);
  return year * 100 + month;
}

/** Makes the folders. @throws {DriftmendError} data_directory_unusable */
export function prepareFolders(directory: DataDirectory): void {
  try {
    for (const folder of [directory.root, directory.engine, directory.spool]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
  } catch (cause) {
    throw new DriftmendError("data_directory_unusable", {
      retry: "never",
      message: `Cannot use "${directory.root}" as the data directory: ${cause instanceof Error ? cause.message : String(cause)}`,
      next: "Name a directory that this user may create and write.",
      cause,
    });
  }
}

/** @throws {DriftmendError} data_directory_newer, data_directory_unusable */
export function checkFormat(directory: DataDirectory, engine: string): Opening {
  const opening = decideOpening(readFormat(directory.formatFile), DIRECTORY_FORMAT, engine);
  if (opening.kind !== "refused") return opening;
  throw new DriftmendError("data_directory_newer", {
    retry: "never",
    message: `Cannot open the data directory "${directory.root}" as it was written by a newer version: ${opening.reason}`,
    next: "Start the version that wrote it, or name another data directory.",
  });
}

export async function writeFormat(directory: DataDirectory, engine: string): Promise<void> {
  const content: FormatFile = { format: DIRECTORY_FORMAT, engine };
  await writeFileAtomic(directory.formatFile, `${JSON.stringify(content)}\n`);
}

function readFormat(path: string): FormatFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return formatFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new DriftmendError("data_directory_unusable", {
      retry: "never",
      message: `Cannot read "${path}" as the format of a data directory: it is damaged`,
      next: `Restore the file, or write {"format":${DIRECTORY_FORMAT},"engine":"0.0"} if you know that this version made the directory.`,
      cause,
    });
  }
}

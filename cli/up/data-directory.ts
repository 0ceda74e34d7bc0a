/**
 * The data directory of a system on one machine: one `up` at a time, made by this version or an older
 * one, with credentials that are made once and kept.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";
import { type DirectoryLock, lockDirectory } from "../../runtime/directory-lock.ts";
import { defaultDataDirectory } from "../places.ts";
import { recordedUp } from "./process-record.ts";

/** Raise it when an older Driftmend could no longer use what this one writes. */
const DIRECTORY_FORMAT = 1;
const FormatFile = z.object({ format: z.int(), version: z.string() });

const Credentials = z.object({
  token: z.string(),
  readToken: z.string(),
  clickhousePassword: z.string(),
  /** Of the account that may only read. */
  clickhouseReadPassword: z.string(),
  natsPassword: z.string(),
});
export type Credentials = z.infer<typeof Credentials>;

export interface DataDirectory {
  readonly path: string;
  readonly credentials: Credentials;
  /** Whether a start before this one used it. */
  readonly resumed: boolean;
  release(): void;
}

/** A directory for one run of the story: the named one when it is empty, else a new one. */
export function directoryForOnce(named: string | undefined, nowMs: number): string {
  if (named === undefined) {
    const time = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
    return join(defaultDataDirectory(), `once-${time}`);
  }
  const path = resolve(named);
  if (entriesOf(path).length === 0) return path;
  throw new DriftmendError("data_directory_not_empty", {
    retry: "never",
    message: `Cannot run the story once in "${path}" as the folder must be empty: it holds files`,
    next: "Name an empty or new folder, or leave --data-dir out.",
  });
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/**
 * Opens the directory for this process alone.
 * @throws {DriftmendError} data_directory_in_use, data_directory_newer, data_directory_unusable
 */
export async function openDataDirectory(path: string, version: string): Promise<DataDirectory> {
  const dataDir = resolve(path);
  try {
    mkdirSync(join(dataDir, "logs"), { recursive: true, mode: 0o700 });
    chmodSync(dataDir, 0o700);
  } catch (cause) {
    throw new DriftmendError("data_directory_unusable", {
      retry: "never",
      message: `Cannot use "${dataDir}" as the data directory: ${cause instanceof Error ? cause.message : String(cause)}`,
      next: "Name a directory that you may create and write, with --data-dir.",
      cause,
    });
  }
  const lock = lockFor(dataDir);
  try {
    const resumed = existsSync(join(dataDir, "format.json"));
    checkFormat(dataDir);
    const credentials = await keptCredentials(dataDir);
    const format = { format: DIRECTORY_FORMAT, version };
    await writeFileAtomic(join(dataDir, "format.json"), `${JSON.stringify(format)}\n`);
    return { path: dataDir, credentials, resumed, release: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function lockFor(dataDir: string): DirectoryLock {
  const lock = lockDirectory(join(dataDir, "up.lock"));
  if (lock !== null) return lock;
  const pid = recordedUp(dataDir);
  throw new DriftmendError("data_directory_in_use", {
    retry: "never",
    message: `Cannot start on "${dataDir}" as only one process may use a data directory: ${pid === undefined ? "another one" : `process ${pid}`} runs on it`,
    next: 'Look at it with "npx driftmend status", stop it with Ctrl-C, or name another folder with --data-dir.',
  });
}

function checkFormat(dataDir: string): void {
  const path = join(dataDir, "format.json");
  const text = readIfThere(path);
  if (text === undefined) return;
  const parsed = FormatFile.safeParse(jsonOf(text));
  if (!parsed.success) {
    throw new DriftmendError("data_directory_unusable", {
      retry: "never",
      message: `Cannot read "${path}" as the format of a data directory: it is damaged`,
      next: "Restore the file, or name another folder with --data-dir.",
    });
  }
  const { format, version } = parsed.data;
  if (format <= DIRECTORY_FORMAT) return;
  throw new DriftmendError("data_directory_newer", {
    retry: "never",
    message: `Cannot open the data directory "${dataDir}" as this version must know its format: Driftmend ${version} wrote format ${format}, this one knows ${DIRECTORY_FORMAT}`,
    next: "Run the version that wrote it, or name another folder with --data-dir.",
  });
}

async function keptCredentials(dataDir: string): Promise<Credentials> {
  const path = join(dataDir, "credentials.json");
  const kept = Credentials.partial().safeParse(jsonOf(readIfThere(path) ?? "")).data ?? {};
  const whole = Credentials.safeParse(kept);
  if (whole.success) return whole.data;
  const secret = (): string => randomBytes(24).toString("base64url");
  // What a version before this one has made stays: engines know it already.
  const made: Credentials = {
    token: kept.token ?? secret(),
    readToken: kept.readToken ?? secret(),
    clickhousePassword: kept.clickhousePassword ?? secret(),
    clickhouseReadPassword: kept.clickhouseReadPassword ?? secret(),
    natsPassword: kept.natsPassword ?? secret(),
  };
  await writeFileAtomic(path, `${JSON.stringify(made)}\n`, 0o600);
  return made;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

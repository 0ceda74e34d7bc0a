/**
 * The running system that a command talks to: named by --data-dir, by DRIFTMEND_URL and DRIFTMEND_TOKEN,
 * or the one on the default data directory, or the newest `--once` beside it.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { DriftmendError } from "../contract/driftmend-error.ts";
import { READY_FILE, ReadyFile } from "../contract/ready-file.ts";
import type { Environment } from "../runtime/env.ts";
import { defaultDataDirectory } from "./places.ts";

export type FoundSystem =
  /** On this machine: everything is known. */
  | { readonly kind: "local"; readonly ready: ReadyFile }
  /** By address only. */
  | { readonly kind: "remote"; readonly url: string; readonly token: string | null };

/** @throws {DriftmendError} system_not_running */
export function findSystem(dataDir: string | undefined, env: Environment): FoundSystem {
  if (dataDir !== undefined) return local([resolve(dataDir)]);
  const url = env["DRIFTMEND_URL"];
  if (url !== undefined && url !== "") {
    return { kind: "remote", url, token: env["DRIFTMEND_TOKEN"] ?? null };
  }
  const standard = defaultDataDirectory();
  return local([standard, ...onceDirectories(standard)]);
}

function local(folders: readonly string[]): FoundSystem {
  const states: string[] = [];
  for (const folder of folders) {
    const ready = readReady(folder);
    if (ready === undefined) states.push(`there is no "${join(folder, READY_FILE)}"`);
    else if (isAlive(ready.pid)) return { kind: "local", ready };
    else states.push(`process ${ready.pid} of "${folder}" has ended`);
  }
  throw new DriftmendError("system_not_running", {
    retry: "later",
    message: `Cannot find a running system as one must have written ready.json: ${states[0] ?? ""}`,
    next: 'Start one with "npm start" (or "npx driftmend up"), name its folder with --data-dir, or set DRIFTMEND_URL and DRIFTMEND_TOKEN.',
  });
}

function readReady(folder: string): ReadyFile | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, READY_FILE), "utf8");
  } catch {
    return undefined;
  }
  return ReadyFile.parse(JSON.parse(text));
}

/** Newest first. */
function onceDirectories(standard: string): string[] {
  try {
    return readdirSync(standard)
      .filter((name) => name.startsWith("once-"))
      .toSorted()
      .toReversed()
      .map((name) => join(standard, name));
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

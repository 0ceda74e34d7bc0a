/**
 * Memory of everything that belongs to this system: the summed PSS of `up` and all processes below
 * it, and our files on tmpfs, which are memory too. Where there is no PSS, the resident set.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { descendants, listProcesses } from "./process-table.ts";

/** Bytes in memory now of the process `pid` and all below it, trainers included. */
export async function residentBytes(pid: number): Promise<number> {
  const pids = descendants(pid, listProcesses()).map((entry) => entry.pid);
  // The kernel walks every page of a process for its PSS, some 40 ms a GiB: beside our event loop, all at once.
  const processes =
    process.platform === "linux" ? await Promise.all(pids.map(pssBytes)) : rssBytes(pids);
  return [...processes, tmpfsBytes("/dev/shm")].reduce((sum, bytes) => sum + bytes, 0);
}

async function pssBytes(pid: number): Promise<number> {
  try {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, "latin1");
    return kibibytesOf(text, "Pss") * 1024;
  } catch {
    return rssOfStatus(pid);
  }
}

function rssOfStatus(pid: number): number {
  try {
    return kibibytesOf(readFileSync(`/proc/${pid}/status`, "latin1"), "VmRSS") * 1024;
  } catch {
    return 0;
  }
}

/** "Pss:      1234 kB" → 1234. */
export function kibibytesOf(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
}

function rssBytes(pids: readonly number[]): number[] {
  if (pids.length === 0) return [];
  const text = execFileSync("ps", ["-o", "rss=", "-p", pids.join(",")], { encoding: "utf8" });
  return text
    .trim()
    .split("\n")
    .map((line) => Number(line) * 1024);
}

/** Files that the store keeps on tmpfs for a moment; they are named after us. */
function tmpfsBytes(folder: string): number {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith("driftmend-"))
      .reduce(
        (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
        0,
      );
  } catch {
    return 0;
  }
}

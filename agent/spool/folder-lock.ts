/**
 * One process per spool folder. The lock file names its holder by pid and by the moment that process was
 * started, so that a dead holder's lock is taken over and a pid that was given out again is not trusted.
 */
import { readFileSync } from "node:fs";
import { open, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";

const Holder = z.object({ pid: z.int(), started: z.string() });
const ATTEMPTS_MAX = 10;

/**
 * Takes the lock; answers how to let it go.
 * @throws {DriftmendError} spool_in_use when a living process holds it
 */
export async function lockFolder(folder: string, pid: number): Promise<() => Promise<void>> {
  const path = join(folder, "lock");
  const mine = JSON.stringify({ pid, started: startOf(pid) ?? "unknown" });
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (await create(path, mine)) return () => release(path, mine);
    const found = await readFile(path, "utf8").catch(() => null);
    if (found === null) continue;
    const holder = parse(found);
    if (holder !== null && isAlive(holder, pid)) throw inUse(folder, holder.pid);
    await removeStale(path, found, pid);
  }
  throw inUse(folder, null);
}

async function create(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(content);
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Moves the lock aside and looks at it again: another process may have taken it over just now. */
async function removeStale(path: string, stale: string, pid: number): Promise<void> {
  const aside = `${path}.stale-${pid}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, "utf8")) === stale) await unlink(aside);
  else await rename(aside, path);
}

async function release(path: string, mine: string): Promise<void> {
  const found = await readFile(path, "utf8").catch(() => null);
  if (found === mine) await unlink(path);
}

function parse(text: string): z.output<typeof Holder> | null {
  try {
    return Holder.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function isAlive(holder: z.output<typeof Holder>, ownPid: number): boolean {
  if (holder.pid === ownPid) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false;
  }
  const started = startOf(holder.pid);
  return started === null || holder.started === "unknown" || started === holder.started;
}

/** Boot and start time of a process where the system tells them (Linux); null elsewhere. */
function startOf(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const startTicks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return startTicks === undefined ? null : `${boot}/${startTicks}`;
  } catch {
    return null;
  }
}

function inUse(folder: string, pid: number | null): DriftmendError {
  const holder = pid === null ? "others keep taking it" : `process ${pid} uses it`;
  return new DriftmendError("spool_in_use", {
    retry: "never",
    message: `Cannot open the spool in "${folder}" as its only user: ${holder}`,
    next: "Stop that agent, or give this one another DRIFTMEND_DATA.",
  });
}

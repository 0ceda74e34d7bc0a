/**
 * What `up` started, written down before it matters: after a kill -9 the next start finds what is left of
 * the last one and ends it, and nobody else's processes.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Clock } from "../../runtime/clock.ts";
import { type Recorded, listProcesses, startOf, survivors } from "./process-table.ts";

const RecordFile = z.object({
  up: z.object({ pid: z.int(), start: z.string() }),
  children: z.array(z.object({ name: z.string(), pid: z.int(), start: z.string() })),
});
type RecordFile = z.infer<typeof RecordFile>;

const recordPath = (dataDir: string): string => join(dataDir, "processes.json");
const GRACE_MS = 3_000;
const KILL_MS = 3_000;
const LOOK_EVERY_MS = 50;

function readRecord(dataDir: string): RecordFile | undefined {
  try {
    return RecordFile.parse(JSON.parse(readFileSync(recordPath(dataDir), "utf8")));
  } catch {
    return undefined;
  }
}

/** Pid of the `up` that wrote the record last. */
export function recordedUp(dataDir: string): number | undefined {
  return readRecord(dataDir)?.up.pid;
}

export interface ProcessRecord {
  add(name: string, pid: number): void;
  remove(pid: number): void;
}

export function openProcessRecord(dataDir: string): ProcessRecord {
  const children = new Map<number, Recorded>();
  const up = { pid: process.pid, start: startOf(process.pid) ?? "" };
  const write = (): void => {
    const content: RecordFile = { up, children: [...children.values()] };
    const temporary = `${recordPath(dataDir)}.tmp`;
    writeFileSync(temporary, `${JSON.stringify(content)}\n`, { mode: 0o600 });
    renameSync(temporary, recordPath(dataDir));
  };
  write();
  return {
    add: (name, pid) => {
      const start = startOf(pid);
      if (start === undefined) return;
      children.set(pid, { name, pid, start });
      write();
    },
    remove: (pid) => {
      if (children.delete(pid)) write();
    },
  };
}

/**
 * Ends what an `up` that was killed has left on this data directory; answers the names of those.
 * Call it while holding the directory's lock.
 */
export async function endLeftovers(dataDir: string, deps: { clock: Clock }): Promise<string[]> {
  const children = readRecord(dataDir)?.children ?? [];
  const left = (): number[] => survivors(children, listProcesses()).map(({ pid }) => pid);
  const first = new Set(left());
  if (first.size === 0) return [];
  // They noticed that their parent is gone and are leaving in order: give them a moment, then no more.
  await untilNone(left, GRACE_MS, deps.clock);
  for (const pid of left()) signal(pid, "SIGKILL");
  await untilNone(left, KILL_MS, deps.clock);
  const table = [...first];
  return children.filter(({ pid }) => table.includes(pid)).map(({ name }) => name);
}

async function untilNone(left: () => number[], withinMs: number, clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + withinMs;
  while (left().length > 0 && clock.monotonicMs() < deadline) await clock.sleep(LOOK_EVERY_MS);
}

/** Sends a signal; a process that is gone already is what was wanted. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ESRCH") throw error;
  }
}

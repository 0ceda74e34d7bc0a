/**
 * Processes of this machine by pid, group and start. A pid alone names nobody, since it is used again;
 * pid and start do, and the start is compared as text only.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Changes when the pid is used again, also over a reboot. */
  readonly start: string;
}

/** All processes; those that vanish while we look are left out. */
export function listProcesses(): ProcessEntry[] {
  if (process.platform !== "linux") return processesOfPs();
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return entryOfStat(readFileSync(`/proc/${name}/stat`, "latin1"), boot);
      } catch {
        return [];
      }
    });
}

/** One entry of /proc/<pid>/stat; the command's name may hold spaces and parentheses. Zombies are gone. */
export function entryOfStat(stat: string, boot: string): ProcessEntry[] {
  const pid = Number(stat.slice(0, stat.indexOf(" ")));
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "Z", parent = "0", group = "0"] = fields;
  if (state === "Z" || state === "X") return [];
  const start = `${fields[19] ?? ""}@${boot}`;
  return [{ pid, parent: Number(parent), group: Number(group), start }];
}

function processesOfPs(): ProcessEntry[] {
  const text = execFileSync("ps", ["-axo", "pid=,ppid=,pgid=,lstart="], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => {
    const [, pid, parent, group, start] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.+?)\s*$/.exec(line) ?? [];
    if (pid === undefined || start === undefined) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), start }];
  });
}

/** `pid` and everything below it, however deep. */
export function descendants(pid: number, table: readonly ProcessEntry[]): ProcessEntry[] {
  const found = new Set([pid]);
  // Children usually have larger pids than their parents, so one or two rounds are enough.
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const entry of table) if (found.has(entry.parent)) found.add(entry.pid);
  }
  return table.filter((entry) => found.has(entry.pid));
}

/** A process that we started as leader of a group of its own. */
export interface Recorded {
  readonly name: string;
  readonly pid: number;
  readonly start: string;
}

/**
 * Which processes of the groups that we led still live. While a group lives its number is not given to
 * a new process: members without their leader are ours, and a leader with another start is a stranger.
 */
export function survivors(
  recorded: readonly Recorded[],
  table: readonly ProcessEntry[],
): ProcessEntry[] {
  return recorded.flatMap(({ pid, start }) => {
    const leader = table.find((entry) => entry.pid === pid);
    if (leader !== undefined && leader.start !== start) return [];
    return table.filter((entry) => entry.pid === pid || entry.group === pid);
  });
}

export function startOf(pid: number): string | undefined {
  return listProcesses().find((entry) => entry.pid === pid)?.start;
}

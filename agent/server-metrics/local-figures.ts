/**
 * Figures of the agent's own machine, for servers that tell none: processor and memory of processes from /proc, GPUs
 * from nvidia-smi. What is not there, or may not be looked at, is left out.
 */
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Measure } from "../../contract/server-metric.ts";
import type { Reading } from "./map-points.ts";
import type { LocalTarget } from "./targets.ts";

const run = promisify(execFile);
const SMI_TIMEOUT_MS = 5_000;
const SMI_BYTES_MAX = 1024 * 1024;
const MIB = 1024 * 1024;
/** USER_HZ: what /proc counts in, on every architecture that Linux runs on today. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat behind the command's name: utime, stime, starttime. */
const [UTIME, STIME, STARTTIME] = [11, 12, 19] as const;

const NONE = { timeMs: 0, startMs: 0, version: "", temporality: "cumulative" } as const;
const level = (measure: Measure, part: string, value: number): Reading => ({
  ...{ ...NONE, series: "", model: null, measure, part },
  taken: { kind: "level", value },
});

/** @param root of the file system of processes, `/proc` */
export async function readProcesses(
  target: NonNullable<LocalTarget["process"]>,
  root: string,
): Promise<readonly Reading[]> {
  const pids = "pid" in target ? [target.pid] : await pidsOf(target.command, root);
  const found = await Promise.all(pids.map((pid) => readProcess(pid, root)));
  return found.flat();
}

/** Not the agent itself, whose own command line may hold the text as a setting. */
async function pidsOf(command: string, root: string): Promise<readonly number[]> {
  const names = (await readdir(root)).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    names.map(async (name) => {
      const line = await readFile(join(root, name, "cmdline"), "utf8").catch(() => "");
      return { pid: Number(name), line: line.replaceAll("\0", " ").trim() };
    }),
  );
  return lines
    .filter(({ pid, line }) => pid !== process.pid && line.includes(command))
    .map(({ pid }) => pid);
}

/** Nothing for a process that has ended meanwhile. */
async function readProcess(pid: number, root: string): Promise<readonly Reading[]> {
  const read = (file: string): Promise<string> =>
    readFile(join(root, String(pid), file), "utf8").catch(() => "");
  const [stat, status] = await Promise.all([read("stat"), read("status")]);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  const seconds: Reading = {
    // Numbers of processes are used again.
    ...{ ...NONE, series: `process ${pid} ${fields[STARTTIME] ?? ""}`, model: null },
    ...{ measure: "cpu_cores", part: "" },
    taken: { kind: "counter", rate: true, values: [ticks / TICKS_PER_SECOND] },
  };
  return [
    ...(Number.isFinite(ticks) ? [seconds] : []),
    ...(Number.isFinite(kilobytes) ? [level("memory_bytes", "", kilobytes * 1024)] : []),
  ];
}

/** @throws what ends nvidia-smi, or its absence */
export async function readGpus(gpus: "all" | readonly number[]): Promise<readonly Reading[]> {
  const { stdout } = await run(
    "nvidia-smi",
    [
      "--query-gpu=index,utilization.gpu,memory.used,memory.total,power.draw",
      "--format=csv,noheader,nounits",
    ],
    { timeout: SMI_TIMEOUT_MS, maxBuffer: SMI_BYTES_MAX },
  );
  return gpusOf(stdout, gpus);
}

/** Of nvidia-smi's lines; a field that a GPU has not says `[N/A]`. */
export function gpusOf(text: string, gpus: "all" | readonly number[]): readonly Reading[] {
  return text.split("\n").flatMap((line) => {
    const [index = "", used, memory, total, power] = line.split(",").map((field) => field.trim());
    if (!/^\d+$/.test(index)) return [];
    if (gpus !== "all" && !gpus.includes(Number(index))) return [];
    const figures = [
      ["gpu_utilisation", used, 0.01],
      ["gpu_memory_bytes", memory, MIB],
      ["gpu_memory_total_bytes", total, MIB],
      ["gpu_power_watts", power, 1],
    ] as const;
    return figures.flatMap(([measure, value = "", scale]) =>
      /^\d+(\.\d+)?$/.test(value) ? [level(measure, index, Number(value) * scale)] : [],
    );
  });
}

/** Resident memory of processes while something runs: the largest, and how much it grew from its middle to its end. */
import { systemClock } from "../../runtime/clock.ts";
import {
  PROCESSES,
  type ProcessName,
  type SystemUnderLoad,
} from "../pipeline/system-under-load.ts";

const PERIOD_MS = 2_000;

export interface Watched {
  readonly maxMib: number;
  /** Mean of the last quarter of the time over that of the second: 1 where memory is flat. */
  readonly growth: number;
}

/** Watches until `work` ends. */
export async function watchMemory<T>(
  system: SystemUnderLoad,
  work: Promise<T>,
): Promise<{ result: T; memory: Readonly<Record<ProcessName, Watched>> }> {
  const samples = Object.fromEntries(PROCESSES.map((name) => [name, [] as number[]]));
  const stop = systemClock.every(PERIOD_MS, () => {
    for (const name of PROCESSES) samples[name]?.push(system.residentMib(name));
  });
  const result = await work.finally(stop);
  const memory = Object.fromEntries(PROCESSES.map((name) => [name, watched(samples[name] ?? [])]));
  return { result, memory: memory as Record<ProcessName, Watched> };
}

function watched(samples: readonly number[]): Watched {
  const mean = (from: number, to: number): number => {
    const part = samples.slice(Math.floor(from * samples.length), Math.ceil(to * samples.length));
    return part.reduce((sum, mib) => sum + mib, 0) / part.length;
  };
  return { maxMib: Math.max(...samples), growth: mean(0.75, 1) / mean(0.25, 0.5) };
}

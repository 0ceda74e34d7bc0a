/**
 * How long the command line takes: `--help`, and `status` on a running system (its own data directory, or
 * DRIFTMEND_URL and DRIFTMEND_TOKEN; else one is started). The ratio is to Node doing nothing, in the same run.
 */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { findSystem } from "../../cli/find-system.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { startSystem } from "../../tests/peers/support/running-system.ts";
import type { Figure } from "../figure.ts";

const PROGRAM = resolve(import.meta.dirname, "..", "..", "cli", "driftmend.mjs");
const RUNS = 9;

export async function commandTimes(): Promise<readonly Figure[]> {
  await using system = isRunning() ? null : await startSystem();
  const folder = system === null ? [] : ["--data-dir", system.ready.dataDir];
  const node = medianMs(["--eval", "0"]);
  const figure = (metric: string, value: number): Figure => ({
    ...{ bench: "console", metric, value, unit: "ms" },
    ...{ ratio: value / node, against: "node --eval 0" },
  });
  return [
    figure("help_ms", medianMs([PROGRAM, "--help"])),
    figure("status_ms", medianMs([PROGRAM, "status", ...folder])),
  ];
}

function isRunning(): boolean {
  try {
    findSystem(undefined, processEnvironment());
    return true;
  } catch (error) {
    if (error instanceof DriftmendError) return false;
    throw error;
  }
}

function medianMs(args: readonly string[]): number {
  const times = Array.from({ length: RUNS }, () => {
    const startedMs = systemClock.monotonicMs();
    const { status, stderr } = spawnSync(process.execPath, [...args], { encoding: "utf8" });
    if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
    return systemClock.monotonicMs() - startedMs;
  });
  return times.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.NaN;
}

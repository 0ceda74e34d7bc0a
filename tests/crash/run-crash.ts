/**
 * The whole way from the agent's door to the tables under load, while processes are killed, the power is cut,
 * connections break, a disk fills and clocks jump, at moments that a seed gives: nothing that was answered may be
 * lost, nothing may be there twice, rollups must equal raw, and memory must stay bounded.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../runtime/clock.ts";
import { seededRandom } from "../../runtime/random.ts";
import type { Store } from "../../store/client.ts";
import { Faults } from "./do-fault.ts";
import { type Accepted, LOAD_MODEL, startLoad } from "./load.ts";
import {
  FAULT_KINDS,
  type FaultKind,
  type ProcessName,
  describeFault,
  planFaults,
} from "./plan-faults.ts";
import { compileFsyncLog } from "./power/fsync-log.ts";
import { type CrashSystem, startCrashSystem } from "./system.ts";
import { type Verdict, settled, verify } from "./verify.ts";

export interface CrashOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly rowsPerRequest: number;
  /** All that this machine can do when absent. */
  readonly kinds?: readonly FaultKind[];
  readonly say: (line: string) => void;
}

export interface CrashReport extends Verdict {
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly kills: Readonly<Partial<Record<ProcessName, number>>>;
  readonly accepted: Accepted;
  /** Largest resident memory that was seen, MiB. */
  readonly residentMib: Readonly<Partial<Record<ProcessName, number>>>;
}

const MEMORY_PERIOD_MS = 1_000;
const LOG_LINES_TOLD = 400;

export async function runCrash(options: CrashOptions): Promise<CrashReport> {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-crash-"));
  const stops: (() => Promise<void>)[] = [];
  try {
    return await crash(options, folder, stops);
  } finally {
    for (const stop of stops.toReversed()) await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function crash(
  options: CrashOptions,
  folder: string,
  stops: (() => Promise<void>)[],
): Promise<CrashReport> {
  const { seed, say } = options;
  const fsyncLibrary = compileFsyncLog(folder);
  const system = await startCrashSystem({ folder, fsyncLibrary, stops });
  const kinds = possible(options.kinds ?? FAULT_KINDS, system, say);
  await describeModel(system.store);
  const plan = planFaults(seededRandom(seed), options.durationMs, kinds);
  const faults = new Faults(system, seededRandom(seed + 2), say);
  const residentMib: Partial<Record<ProcessName, number>> = {};
  const stopMemory = systemClock.every(MEMORY_PERIOD_MS, async () =>
    noteMemory(system, residentMib),
  );
  const load = startLoad(
    () => system.processes.agent.currentUrl(),
    seededRandom(seed + 1),
    options.rowsPerRequest,
  );
  const begunMs = performance.now();
  const done: Partial<Record<FaultKind, number>> = {};
  const kills: Partial<Record<ProcessName, number>> = {};
  for (const { atMs, fault } of plan) {
    await systemClock.sleep(Math.max(0, begunMs + atMs - performance.now()));
    say(`${((performance.now() - begunMs) / 1000).toFixed(1)} s: ${describeFault(fault)}`);
    await faults.do(fault);
    done[fault.kind] = (done[fault.kind] ?? 0) + 1;
    if (fault.kind !== "kill") continue;
    for (const name of fault.processes) kills[name] = (kills[name] ?? 0) + 1;
  }
  await faults.end();
  await Promise.all(Object.values(system.processes).map((process) => process.ready()));
  await load.finish();
  say(`load ended: ${JSON.stringify(load.accepted)}`);
  if (!(await settled(system.store, load.accepted))) {
    for (const name of ["agent", "collector"] as const) {
      say(`not settled; ${name}: ${await whatItSays(system.processes[name].currentUrl())}`);
    }
    say(readFileSync(system.logFile, "utf8").trim().split("\n").slice(-LOG_LINES_TOLD).join("\n"));
  }
  stopMemory();
  const accepted = { ...load.accepted };
  return { faults: done, kills, accepted, residentMib, ...(await verify(system.store, accepted)) };
}

/** Readiness and state of a service that others wait for. */
async function whatItSays(url: string): Promise<string> {
  const answers = ["/readyz", "/api/v1/self"].map(async (path) => {
    const response = await fetch(url + path, { signal: AbortSignal.timeout(5_000) });
    return `${path} ${response.status} ${await response.text()}`;
  });
  return (await Promise.allSettled(answers))
    .map((told) => (told.status === "fulfilled" ? told.value : String(told.reason)))
    .join("; ");
}

/** A power cut needs a C compiler, a full disk the right to mount one. */
function possible(
  kinds: readonly FaultKind[],
  system: CrashSystem,
  say: (line: string) => void,
): readonly FaultKind[] {
  return kinds.filter((kind) => {
    const why =
      kind === "power" && system.fsyncLogs.length === 0
        ? "there is no C compiler"
        : kind === "disk" && !system.spoolDiskIsSmall
          ? "this user may not mount a file system"
          : null;
    if (why !== null) say(`without faults of kind ${kind}: ${why}`);
    return why === null;
  });
}

function noteMemory(system: CrashSystem, max: Partial<Record<ProcessName, number>>): void {
  for (const [name, process] of Object.entries(system.processes) as [
    ProcessName,
    CrashSystem["processes"][ProcessName],
  ][]) {
    try {
      const status = readFileSync(`/proc/${process.pid()}/status`, "utf8");
      const mib = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
      max[name] = Math.max(max[name] ?? 0, mib);
    } catch {
      // It is dead just now, or this is no Linux.
    }
  }
}

async function describeModel(store: Store): Promise<void> {
  const document = {
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: LOAD_MODEL },
    task: { type: "binary" },
    segments: ["client"],
    rollup: "1m",
  };
  const common = { model: LOAD_MODEL, status: "active", by: "test", detail: "" };
  await store.insert("models", [
    { ...common, document: JSON.stringify(document), updated: 0, revision: 1 },
  ]);
}

/** Which faults come when, from a seed alone: the same seed gives the same plan. */
import type { Random } from "../../runtime/random.ts";

export const PROCESSES = ["agent", "nats-server", "collector", "store"] as const;
export type ProcessName = (typeof PROCESSES)[number];
/** Connections that can be cut: from whom to whom. */
export const LINKS = ["agent-nats", "collector-nats", "collector-store"] as const;
export type LinkName = (typeof LINKS)[number];

export type Fault =
  | { readonly kind: "kill"; readonly processes: readonly ProcessName[] }
  /** All processes die at once, and their files are what was fsynced. */
  | { readonly kind: "power" }
  /** `silent`: nothing comes through, and nobody is told. */
  | {
      readonly kind: "network";
      readonly link: LinkName;
      readonly forMs: number;
      readonly silent: boolean;
    }
  /** The disk of the agent's spool. */
  | { readonly kind: "disk"; readonly forMs: number }
  /** The wall clocks of agent and collector jump, and go on from there. */
  | { readonly kind: "clock"; readonly offsetMs: number };
export type FaultKind = Fault["kind"];
export const FAULT_KINDS: readonly FaultKind[] = ["kill", "power", "network", "disk", "clock"];

export interface Planned {
  /** From the begin of the load. */
  readonly atMs: number;
  readonly fault: Fault;
}

const CALM_MS = { min: 700, max: 2_500 };
/** After so many faults a longer calm: a collector that is never let through its recovery would store nothing at all. */
const FAULTS_IN_A_ROW = 12;
const LONG_CALM_MS = { min: 6_000, max: 10_000 };
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  kill: 10,
  power: 2,
  network: 4,
  disk: 1,
  clock: 2,
};
const FAULT_MS = { min: 300, max: 4_000 };
/** Two jumps stay below the fifteen minutes for which an agent remembers what it took in. */
const OFFSET_MS_MAX = 6 * 60_000;

export function planFaults(
  random: Random,
  durationMs: number,
  kinds: readonly FaultKind[],
): readonly Planned[] {
  const between = ({ min, max }: { readonly min: number; readonly max: number }): number =>
    min + random.integer(max - min);
  const pick = <T>(values: readonly T[]): T => values[random.integer(values.length)]!;
  const drawn = kinds.flatMap((kind) => Array.from({ length: WEIGHTS[kind] }, () => kind));
  const faultOf = (kind: FaultKind): Fault => {
    switch (kind) {
      case "kill": {
        const first = pick(PROCESSES);
        const second = random.next() < 0.25 ? pick(PROCESSES) : first;
        return { kind, processes: [...new Set([first, second])] };
      }
      case "power":
        return { kind };
      case "network":
        return { kind, link: pick(LINKS), forMs: between(FAULT_MS), silent: random.next() < 0.5 };
      case "disk":
        return { kind, forMs: between(FAULT_MS) };
      case "clock":
        return { kind, offsetMs: random.integer(2 * OFFSET_MS_MAX) - OFFSET_MS_MAX };
    }
  };
  const plan: Planned[] = [];
  for (let atMs = between(CALM_MS); atMs < durationMs; ) {
    plan.push({ atMs, fault: faultOf(pick(drawn)) });
    atMs += between(plan.length % FAULTS_IN_A_ROW === 0 ? LONG_CALM_MS : CALM_MS);
  }
  return plan;
}

export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case "kill":
      return `kill -9 of ${fault.processes.join(" and ")}`;
    case "power":
      return "power cut";
    case "network":
      return `${fault.link} ${fault.silent ? "silent" : "cut"} for ${fault.forMs} ms`;
    case "disk":
      return `the spool's disk full for ${fault.forMs} ms`;
    case "clock":
      return `clocks off by ${fault.offsetMs} ms`;
  }
}

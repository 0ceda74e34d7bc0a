/**
 * How many statements of which kind run beside each other. A running query keeps about one core busy, so
 * the two kinds of readers together get little more than the machine has: that bounds what an insert
 * loses to them (measured by `bench endpoint`), and still neither kind can keep the other waiting.
 * Writers have lanes of their own. The pool of libuv, on whose threads the engine's calls block, must
 * be larger than all lanes together.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { LaneLimits, LanePlan } from "./lane-queues.ts";

export function planLanes(cores: number): LanePlan {
  const reading = Math.max(2, cores);
  const lane = (runningMax: number): LaneLimits => ({
    runningMax,
    waitingMax: LIMITS.endpointWaitingMax,
  });
  return {
    lanes: {
      live: lane(1),
      backlog: lane(1),
      control: lane(1),
      services: lane(reading),
      guests: lane(reading),
      sessions: lane(1),
    },
    shared: { lanes: ["services", "guests"], runningMax: reading + 1 },
  };
}

/** Threads of libuv for so many cores: every lane's call may block one, files and zlib need some. */
export function threadPoolSize(cores: number): number {
  const lanes = Object.values(planLanes(cores).lanes);
  return lanes.reduce((sum, lane) => sum + lane.runningMax, SPARE_THREADS);
}

const SPARE_THREADS = 8;

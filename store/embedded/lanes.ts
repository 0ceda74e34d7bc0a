/**
 * How many statements of which kind run beside each other. A running query keeps about one core
 * busy, so all readers together get as many as there are cores: that bounds what an insert loses to
 * them (`bench endpoint`). The reading account leaves one of them to the services, so that a long
 * question of a person never keeps the analyzer waiting; writers have lanes of their own. The pool
 * of libuv, on whose threads the engine's calls block, must be larger than all lanes together.
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
      guests: lane(reading - 1),
      sessions: lane(1),
    },
    shared: { lanes: ["services", "guests"], runningMax: reading },
  };
}

/**
 * Threads of libuv for so many cores: every lane's call may block one, files and zlib need some.
 */
export function threadPoolSize(cores: number): number {
  const lanes = Object.values(planLanes(cores).lanes);
  return lanes.reduce((sum, lane) => sum + lane.runningMax, SPARE_THREADS);
}

const SPARE_THREADS = 8;

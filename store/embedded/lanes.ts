/**
 * How many statements of which kind run beside each other. Every running query may keep one core busy,
 * so reading lanes together get about the machine, and writers never wait behind them. The pool of
 * libuv, on whose threads the engine's calls block, must be larger than all lanes together.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { LaneLimits, LaneName } from "./lane-queues.ts";

export function planLanes(cores: number): Readonly<Record<LaneName, LaneLimits>> {
  const reading = Math.max(1, cores - 1);
  const lane = (runningMax: number): LaneLimits => ({
    runningMax,
    waitingMax: LIMITS.endpointWaitingMax,
  });
  return {
    live: lane(1),
    backlog: lane(1),
    control: lane(1),
    services: lane(reading),
    guests: lane(reading),
    sessions: lane(1),
  };
}

/** Threads of libuv for so many cores: every lane's call may block one, files and zlib need some. */
export function threadPoolSize(cores: number): number {
  const running = Object.values(planLanes(cores)).reduce((sum, lane) => sum + lane.runningMax, 0);
  return running + SPARE_THREADS;
}

const SPARE_THREADS = 8;

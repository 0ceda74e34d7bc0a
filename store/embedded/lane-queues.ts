/**
 * Who runs and who waits: per lane at most so many running jobs, each on a thread of its own that
 * is started when first needed, and at most so many waiting ones, first come first served.
 */
import { exception } from "./exception.ts";

export const LANE_NAMES = ["live", "backlog", "control", "services", "guests", "sessions"] as const;
export type LaneName = (typeof LANE_NAMES)[number];

export interface LaneLimits {
  readonly runningMax: number;
  readonly waitingMax: number;
}

export interface LanePlan {
  readonly lanes: Readonly<Record<LaneName, LaneLimits>>;
  /** Lanes that together run at most so many: none can take all of it from the other. */
  readonly shared: { readonly lanes: readonly LaneName[]; readonly runningMax: number };
}

export type LaneLoad = Readonly<Record<LaneName, { running: number; waiting: number }>>;

export interface LaneQueues<T> {
  /**
   * A thread for one job, to be given back by `release`.
   * @throws {EngineException} TOO_MANY_SIMULTANEOUS_QUERIES; QUERY_WAS_CANCELLED when `signal`
   *   fires
   */
  acquire(lane: LaneName, signal: AbortSignal): Promise<T>;
  release(lane: LaneName, thread: T): void;
  /** Threads of a lane that run nothing now. */
  idle(lane: LaneName): readonly T[];
  load(): LaneLoad;
  /** Refuses what waits and what comes; resolves when nothing runs. */
  drain(): Promise<void>;
}

interface Waiting<T> {
  readonly take: (thread: T) => void;
  readonly refuse: (error: Error) => void;
}

interface LaneState<T> {
  readonly limits: LaneLimits;
  readonly idle: T[];
  readonly waiting: Waiting<T>[];
  running: number;
}

export function createLaneQueues<T>(plan: LanePlan, start: () => T): LaneQueues<T> {
  const lanes = byLane((name): LaneState<T> => {
    return { limits: plan.lanes[name], idle: [], waiting: [], running: 0 };
  });
  let closing: { readonly done: () => void } | undefined;
  const running = (names: readonly LaneName[]): number =>
    names.reduce((sum, name) => sum + lanes[name].running, 0);
  const hasRoom = (name: LaneName): boolean => {
    const shared = plan.shared.lanes.includes(name);
    const sharedRoom = !shared || running(plan.shared.lanes) < plan.shared.runningMax;
    return sharedRoom && lanes[name].running < lanes[name].limits.runningMax;
  };
  /** Of the lanes that may run what waits in them, the one that runs least. */
  const mostDeprived = (): LaneState<T> | undefined =>
    LANE_NAMES.filter((name) => lanes[name].waiting.length > 0 && hasRoom(name))
      .map((name) => lanes[name])
      .toSorted((a, b) => a.running - b.running)[0];
  const begin = (lane: LaneState<T>): T => {
    lane.running += 1;
    return lane.idle.pop() ?? start();
  };

  return {
    acquire: (name, signal) => {
      if (closing !== undefined) return Promise.reject(stopping());
      const lane = lanes[name];
      if (hasRoom(name)) return Promise.resolve(begin(lane));
      if (lane.waiting.length < lane.limits.waitingMax) return wait(lane, signal);
      const message = `Too many simultaneous queries: ${lane.running} run and ${lane.waiting.length} wait in lane "${name}"`;
      return Promise.reject(exception("TOO_MANY_SIMULTANEOUS_QUERIES", message));
    },
    release: (name, thread) => {
      lanes[name].idle.push(thread);
      lanes[name].running -= 1;
      for (let next = mostDeprived(); next !== undefined; next = mostDeprived()) {
        next.waiting.shift()?.take(begin(next));
      }
      if (running(LANE_NAMES) === 0) closing?.done();
    },
    idle: (name) => lanes[name].idle,
    load: () =>
      byLane((name) => ({ running: lanes[name].running, waiting: lanes[name].waiting.length })),
    drain: () =>
      new Promise((resolve) => {
        closing = { done: resolve };
        for (const name of LANE_NAMES) {
          for (const { refuse } of lanes[name].waiting.splice(0)) refuse(stopping());
        }
        if (running(LANE_NAMES) === 0) resolve();
      }),
  };
}

function wait<T>(lane: LaneState<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      const at = lane.waiting.indexOf(entry);
      if (at >= 0) lane.waiting.splice(at, 1);
      reject(exception("QUERY_WAS_CANCELLED", "The client has gone while its query waited"));
    };
    const entry: Waiting<T> = {
      take: (thread) => {
        signal.removeEventListener("abort", onAbort);
        resolve(thread);
      },
      refuse: reject,
    };
    lane.waiting.push(entry);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

function stopping(): Error {
  return exception("QUERY_WAS_CANCELLED", "The endpoint is stopping");
}

function byLane<A>(make: (name: LaneName) => A): Record<LaneName, A> {
  return {
    live: make("live"),
    backlog: make("backlog"),
    control: make("control"),
    services: make("services"),
    guests: make("guests"),
    sessions: make("sessions"),
  };
}

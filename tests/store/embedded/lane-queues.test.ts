import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  LANE_NAMES,
  type LaneName,
  type LanePlan,
  createLaneQueues,
} from "../../../store/embedded/lane-queues.ts";
import { planLanes, threadPoolSize } from "../../../store/embedded/lanes.ts";

const never = new AbortController().signal;

function queues(plan: LanePlan = planLanes(2)) {
  let started = 0;
  return createLaneQueues(plan, () => `thread ${started++}`);
}

/** Lets what was handed over be received. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("lanes of two cores", () => {
  it("let a writer begin whatever readers run", async () => {
    const lanes = queues();
    for (let i = 0; i < 20; i++) void lanes.acquire(i % 2 === 0 ? "services" : "guests", never);
    await expect(lanes.acquire("live", never)).resolves.toMatch(/thread/);
    await expect(lanes.acquire("backlog", never)).resolves.toMatch(/thread/);
    const { services, guests } = lanes.load();
    expect(services.running + guests.running).toBe(2);
  });

  it("keep a core for services however many guests ask", async () => {
    const lanes = queues();
    await lanes.acquire("guests", never);
    void lanes.acquire("guests", never);
    await expect(lanes.acquire("services", never)).resolves.toMatch(/thread/);
    expect(lanes.load().guests).toEqual({ running: 1, waiting: 1 });
  });

  it("give a free core to whoever has less of them", async () => {
    const lanes = queues();
    const first = await lanes.acquire("services", never);
    await lanes.acquire("services", never);
    const taken: LaneName[] = [];
    void lanes.acquire("services", never).then(() => taken.push("services"));
    void lanes.acquire("guests", never).then(() => taken.push("guests"));
    lanes.release("services", first);
    await settled();
    expect(taken).toEqual(["guests"]);
  });

  it("forget a waiting job whose client has gone", async () => {
    const lanes = queues();
    const thread = await lanes.acquire("live", never);
    const gone = new AbortController();
    const waiting = lanes.acquire("live", gone.signal);
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ type: "QUERY_WAS_CANCELLED" });
    lanes.release("live", thread);
    expect(lanes.load().live).toEqual({ running: 0, waiting: 0 });
  });

  it("refuse what waits and what comes once they drain", async () => {
    const lanes = queues();
    const thread = await lanes.acquire("live", never);
    const waiting = lanes.acquire("live", never);
    const drained = lanes.drain();
    await expect(waiting).rejects.toMatchObject({ type: "QUERY_WAS_CANCELLED" });
    await expect(lanes.acquire("guests", never)).rejects.toMatchObject({ code: 394 });
    lanes.release("live", thread);
    await drained;
  });
});

it("never more run than a lane and the readers' share allow, and none waits while it could run", async () => {
  const step = fc.record({ lane: fc.constantFrom(...LANE_NAMES), begins: fc.boolean() });
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 8 }),
    fc.array(step, { maxLength: 60 }),
    async (cores, steps) => {
      const plan = planLanes(cores);
      const lanes = queues(plan);
      const held = new Map<LaneName, string[]>(LANE_NAMES.map((name) => [name, []]));
      for (const { lane, begins } of steps) {
        const threads = held.get(lane) ?? [];
        const ended = begins ? undefined : threads.pop();
        if (ended !== undefined) lanes.release(lane, ended);
        else if (begins) {
          lanes.acquire(lane, never).then(
            (thread) => threads.push(thread),
            () => undefined,
          );
        }
        await settled();
        const load = lanes.load();
        const shared = load.services.running + load.guests.running;
        expect(shared).toBeLessThanOrEqual(plan.shared.runningMax);
        for (const name of LANE_NAMES) {
          const { runningMax } = plan.lanes[name];
          expect(load[name].running).toBeLessThanOrEqual(runningMax);
          const room =
            name !== "services" && name !== "guests" ? true : shared < plan.shared.runningMax;
          if (load[name].waiting > 0) expect(room && load[name].running < runningMax).toBe(false);
        }
      }
    },
  );
  await fc.assert(property, { numRuns: 50 });
});

it("the thread pool is larger than everything that may block in it", () => {
  for (const cores of [1, 2, 4, 64]) {
    const lanes = Object.values(planLanes(cores).lanes);
    const blocked = lanes.reduce((sum, lane) => sum + lane.runningMax, 0);
    expect(threadPoolSize(cores)).toBeGreaterThanOrEqual(blocked + 4);
  }
});

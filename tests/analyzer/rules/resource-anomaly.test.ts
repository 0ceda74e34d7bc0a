/** Resources against the same hours of past weeks: what is told, what is not, and how often it is told in vain. */
import { describe, expect, it } from "vitest";
import {
  RESOURCE_NAMES,
  type Resource,
  judgeResource,
} from "../../../analyzer/rules/resource-anomaly.ts";
import { seededRandom } from "../../../runtime/random.ts";
import { gammaSample } from "./support/samples.ts";

const HOUR = 3_600_000;
const WEEK = 168 * HOUR;
const START = Date.UTC(2026, 0, 5);

/** Of a day's peak: what each resource is then, and what it is when nobody asks. */
const LEVELS: Readonly<Record<Resource, readonly [number, number]>> = {
  gpu_utilisation: [0.6, 0.02],
  gpu_memory_bytes: [4e10, 3.6e10],
  cpu_utilisation: [0.5, 0.05],
  cpu_cores: [6, 0.2],
  memory_bytes: [8e9, 7e9],
  host_memory_bytes: [6e10, 5e10],
  cache_usage: [0.7, 0.05],
  queue_length: [4, 0],
  queue_seconds: [0.05, 0.002],
};

interface World {
  readonly weeks: number;
  readonly seed: number;
  /** Coefficients of variation of whole days and of hours. */
  readonly days: number;
  readonly hours: number;
  readonly change?: (value: number, hourMs: number) => number;
}

/** A daily curve with quieter weekends; the load varies by days and hours, and the resource follows it. */
function used(resource: Resource, world: World): Map<number, number> {
  const random = seededRandom(world.seed);
  const [peak, idle] = LEVELS[resource];
  const hours = new Map<number, number>();
  let day = 1;
  for (let hour = 0; hour < world.weeks * 168; hour++) {
    if (hour % 24 === 0) day = gammaSample(random, 1, world.days);
    const curve = Math.max(0, Math.sin(((hour % 24) - 6) * (Math.PI / 16)));
    const weekend = hour % 168 >= 120 ? 0.6 : 1;
    const load = curve * weekend * day * gammaSample(random, 1, world.hours);
    const isShare = resource.endsWith("utilisation") || resource === "cache_usage";
    const value = idle + (peak - idle) * load;
    const at = START + hour * HOUR;
    const told = world.change?.(value, at) ?? value;
    hours.set(at, isShare ? Math.min(1, told) : told);
  }
  return hours;
}

/** Starts of the hours at which it fires: two breaches in a row. */
function fired(resource: Resource, hours: ReadonlyMap<number, number>, fromWeek = 4): number[] {
  const found: number[] = [];
  let breaches = 0;
  for (const hour of hours.keys()) {
    if (hour < START + fromWeek * WEEK) continue;
    breaches = judgeResource(resource, hours, hour)?.breach === true ? breaches + 1 : 0;
    if (breaches === 2) found.push(hour);
  }
  return found;
}

const calm: World = { weeks: 30, seed: 1, days: 0.1, hours: 0.1 };

describe("what a server uses", () => {
  it("is told in vain at most once in thirteen years of a resource, moody days among them", () => {
    // Nine resources, 26 weeks judged each, three kinds of world: 13.5 years of a resource.
    const alarms = RESOURCE_NAMES.flatMap((resource, i) =>
      [0.05, 0.15, 0.25].flatMap((days, j) =>
        fired(resource, used(resource, { ...calm, days, hours: days, seed: 100 * i + j })).map(
          (hour) => `${resource} at ${days}: ${new Date(hour).toISOString()}`,
        ),
      ),
    );
    expect(alarms.slice(1)).toEqual([]);
  });

  it.each(RESOURCE_NAMES)(
    "%s is told within two hours when it is far above its kind",
    (resource) => {
      const since = START + 8 * WEEK + 2 * 24 * HOUR + 10 * HOUR;
      const factor = resource.startsWith("queue") ? 8 : 4;
      const world: World = {
        ...{ ...calm, weeks: 9, seed: 5 },
        change: (value, hourMs) =>
          hourMs >= since && hourMs < since + 6 * HOUR ? value * factor + 0.4 : value,
      };
      const [first] = fired(resource, used(resource, world), 8);
      expect(first).toBeDefined();
      expect((first ?? 0) - since).toBeLessThanOrEqual(2 * HOUR);
    },
  );

  it("is told of a GPU that idles while it was busy at this hour every week", () => {
    const since = START + 8 * WEEK + 10 * HOUR;
    const idle: World = {
      ...{ ...calm, weeks: 9 },
      change: (value, hourMs) => (hourMs >= since && hourMs < since + 5 * HOUR ? 0.01 : value),
    };
    expect(fired("gpu_utilisation", used("gpu_utilisation", idle), 8)).toEqual([since + HOUR]);
  });

  it("is no anomaly any more after two days: a new version that needs more memory", () => {
    const since = START + 8 * WEEK + 10 * HOUR;
    const world: World = {
      ...{ ...calm, weeks: 12 },
      change: (value, hourMs) => (hourMs >= since ? value * 2 : value),
    };
    const hours = used("memory_bytes", world);
    expect(fired("memory_bytes", hours, 8)).toEqual([since + HOUR]);
    expect(judgeResource("memory_bytes", hours, since + 3 * 24 * HOUR)?.breach).toBe(false);
  });

  it("is not judged by less than three weeks, nor where nothing is known of the hour", () => {
    const hours = used("cpu_cores", {
      ...calm,
      weeks: 2,
      change: (value, at) => (at > START + WEEK ? value * 50 : value),
    });
    expect(fired("cpu_cores", hours, 0)).toEqual([]);
    expect(judgeResource("cpu_cores", hours, START + 30 * WEEK)).toBeNull();
  });
});

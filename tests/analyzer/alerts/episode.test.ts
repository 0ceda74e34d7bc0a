import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Episode,
  type Hysteresis,
  OK,
  advanceEpisode,
} from "../../../analyzer/alerts/episode.ts";

const twice: Hysteresis = { breachesToFire: 2, cleanToResolve: 2 };
const HOUR = 3_600_000;

/** Feeds one hour per letter: `x` breaches, `.` does not. */
function story(pattern: string, hysteresis: Hysteresis): string[] {
  let episode: Episode = OK;
  return [...pattern].map((letter, hour) => {
    const seen = { breach: letter === "x", fromMs: hour * HOUR, toMs: (hour + 1) * HOUR };
    const step = advanceEpisode(episode, seen, seen.toMs, hysteresis);
    episode = step.episode;
    return step.change;
  });
}

describe("an alert's states", () => {
  it.each([
    ["..", ["none", "none"]],
    ["x.", ["pending", "dropped"]],
    ["xx", ["pending", "firing"]],
    ["xxx", ["pending", "firing", "continues"]],
    ["xx.x", ["pending", "firing", "none", "continues"]],
    ["xx..", ["pending", "firing", "none", "resolved"]],
    ["xx..x", ["pending", "firing", "none", "resolved", "pending"]],
  ])("goes %s as %j", (pattern, changes) => {
    expect(story(pattern, twice)).toEqual(changes);
  });

  it("fires at once where one breach is enough", () => {
    expect(story("x.", { breachesToFire: 1, cleanToResolve: 1 })).toEqual(["firing", "resolved"]);
  });

  it("begins with the first bad span, ends with the last, and fires when it is evaluated", () => {
    const once = { breachesToFire: 2, cleanToResolve: 1 };
    let episode: Episode = OK;
    for (const hour of [3, 4]) {
      const seen = { breach: true, fromMs: hour * HOUR, toMs: (hour + 1) * HOUR };
      episode = advanceEpisode(episode, seen, seen.toMs, once).episode;
    }
    expect(episode).toEqual({
      status: "firing",
      fromMs: 3 * HOUR,
      toMs: 5 * HOUR,
      firedMs: 5 * HOUR,
      clean: 0,
    });
  });

  it("never resolves what did not fire, nor fires twice without resolving", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("x", "."), maxLength: 60 }),
        fc.record({
          breachesToFire: fc.integer({ min: 1, max: 4 }),
          cleanToResolve: fc.integer({ min: 1, max: 4 }),
        }),
        (pattern, hysteresis) => {
          let firing = false;
          for (const change of story(pattern, hysteresis)) {
            if (change === "firing") expect(firing).toBe(false);
            if (change === "resolved") expect(firing).toBe(true);
            if (change === "firing") firing = true;
            if (change === "resolved") firing = false;
          }
        },
      ),
    );
  });
});

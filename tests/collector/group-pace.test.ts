import fc from "fast-check";
import { expect, it } from "vitest";
import { GroupPace } from "../../collector/group-pace.ts";

const PACE = { burstMs: 3_000, share: 0.25, waitMsMax: 30_000 };

it("lets groups follow each other after a rest, and makes a trickle wait", () => {
  const pace = new GroupPace(0, PACE);
  let nowMs = 0;
  let groups = 0;
  while (pace.msUntilNext(nowMs) === 0) {
    nowMs += 400;
    pace.spend(400, nowMs);
    groups++;
  }
  expect(groups).toBe(10);
  expect(pace.msUntilNext(nowMs)).toBeLessThanOrEqual(400 / PACE.share);
  expect(pace.msUntilNext(nowMs + 60_000)).toBe(0);
});

it("never lets small groups take more than their share and the burst, however long they take", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 100 }),
      (durations) => {
        const pace = new GroupPace(0, PACE);
        let nowMs = 0;
        let stored = 0;
        for (const durationMs of durations) {
          nowMs += pace.msUntilNext(nowMs);
          expect(stored).toBeLessThanOrEqual(PACE.burstMs + PACE.share * nowMs + 1);
          nowMs += durationMs;
          stored += durationMs;
          pace.spend(durationMs, nowMs);
        }
      },
    ),
  );
});

it("forgets a large group within the time that a small one waits at most", () => {
  const pace = new GroupPace(0, { burstMs: 3_000, share: 0.25, waitMsMax: 2_000 });
  pace.spend(3_600_000, 3_600_000);
  expect(pace.msUntilNext(3_600_000)).toBe(2_000);
  expect(pace.msUntilNext(3_602_001)).toBe(0);
});

/** The short form of `npm run test:fuzz`: some hundred payloads over every door of one process, always the same ones. */
import { expect, it } from "vitest";
import { DOORS } from "./doors.ts";
import { fuzzDoor } from "./run-fuzz.ts";

const SEEDS = [1, 20_010_205] as const;
const PAYLOADS = 250;

for (const factory of DOORS) {
  const { name } = factory();
  it(`the door ${name} keeps its promises whatever comes`, async () => {
    for (const seed of SEEDS) {
      const options = { seed, payloads: PAYLOADS, from: 0, failuresMax: 5, say: () => undefined };
      const report = await fuzzDoor(factory, options);
      expect(report.failures).toEqual([]);
      expect(report.payloads).toBe(PAYLOADS);
      // A generator that makes nothing sound, or nothing else, would prove nothing.
      expect(report.accepted).toBeGreaterThan(0);
      expect(report.refused).toBeGreaterThan(0);
    }
  });
}

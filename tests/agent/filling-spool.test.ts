/** A spool that fills while nothing is stored: what it may give up lets it last longer, and every record is accounted for. */
import { afterEach, expect, it } from "vitest";
import { eventLines, startAgentProcess, temporaryFolder } from "./agent-process.ts";
import { spooledRows } from "./capture-harness.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

const SPOOL = { DRIFTMEND_SPOOL_BYTES_MAX: "2000000", DRIFTMEND_HEARTBEAT_SECONDS: "0" };
const PER_REQUEST = 1_000;
const ids = (request: number): string[] =>
  Array.from({ length: PER_REQUEST }, (_, i) => `p-${request}-${i}`);

/** Sends until the agent refuses. */
async function fill(env: Readonly<Record<string, string>>) {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  const agent = await startAgentProcess(path, { ...SPOOL, ...env });
  cleanups.push(() => agent.kill());
  let requests = 0;
  for (;;) {
    const answer = await agent.post("/v1/events", eventLines(ids(requests)));
    if (answer.status !== 200) {
      expect(await answer.json()).toMatchObject({ code: "spool_full" });
      break;
    }
    requests++;
  }
  const self = await (await fetch(`${agent.url}/api/v1/self`)).json();
  const { totals } = await agent.self();
  const rows = spooledRows(path, "predictions");
  return { requests, totals, rows, self: self as Record<string, unknown> };
}

it("lasts at least four times as long where predictions may be thinned, each of them counted, kept ones weighed", async () => {
  const whole = await fill({});
  expect(whole.totals["records.prediction"]).toBe(whole.requests * PER_REQUEST);
  expect(whole.rows).toHaveLength(whole.requests * PER_REQUEST);

  const thinned = await fill({ DRIFTMEND_SHED: "predictions" });
  expect(thinned.requests).toBeGreaterThan(4 * whole.requests);
  const came = thinned.requests * PER_REQUEST;
  const kept = thinned.totals["records.prediction"] ?? 0;
  expect(thinned.rows).toHaveLength(kept);
  expect(kept + (thinned.totals["shed.m.spool_filling"] ?? 0)).toBe(came);
  const weights = thinned.rows.map((row) => Number(row["weight"] ?? 1));
  expect(new Set(weights)).toEqual(new Set([1, 2, 4, 8, 16, 32]));
  // Horvitz-Thompson: a row of weight w has variance w (w - 1).
  const variance = weights.reduce((sum, weight) => sum + weight * (weight - 1), 0);
  const estimate = weights.reduce((sum, weight) => sum + weight, 0);
  expect(Math.abs(estimate - came)).toBeLessThan(5 * Math.sqrt(variance));
  expect(thinned.self).toMatchObject({
    spoolBytesMax: 2_000_000,
    shedding: { halvings: 5, withoutSamples: false },
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Harness, startHarness, until } from "./harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
}, 60_000);
afterAll(() => harness[Symbol.asyncDispose]());

const HOUR_MS = 3_600_000;
const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 2 * HOUR_MS;

describe("frames from the stream to the tables", () => {
  it("stores predictions and labels, joins them and frees stream and spool", async () => {
    const { collector } = await harness.collect();
    const spool = harness.spool();
    const predictions = Array.from({ length: 1000 }, (_, i) => ({
      model: "m",
      version: "1",
      id: `p-${i}`,
      ts: now + i * 1000,
      num: { distance: i, hour: i % 24 },
      cat: { origin: `A${i % 7}` },
      tags: { "client.version": `c${i % 3}` },
      score: (i % 100) / 100,
      latency: 0.01,
    }));
    const labels = predictions.slice(0, 500).map(({ id, ts }) => ({
      model: "m",
      id,
      label: "late",
      prediction_time: ts,
      time: ts + 60_000,
    }));
    await spool.send({ predictions });
    await spool.send({ labels });
    await until(() => spool.storedThrough === 2, "both frames are stored");
    expect(await harness.count("SELECT count() AS n FROM predictions")).toBe(1000);
    expect(await harness.count("SELECT count() AS n FROM outcomes FINAL")).toBe(500);
    expect(
      await harness.count(
        "SELECT sum(n) AS n FROM feature_rollups WHERE grain = '1h' AND feature = 'distance'",
      ),
    ).toBe(1000);
    expect(collector.runners[0]?.state.kind).toBe("running");
  });
});

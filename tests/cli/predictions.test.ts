import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rowsSince } from "../../cli/commands/predictions.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { type Store, openStore } from "../../store/client.ts";
import type { EmbeddedEngine } from "../support/embedded-engine.ts";
import { DATABASE, startMigratedEngine } from "../support/migrated-engine.ts";

const deps = { clock: systemClock, logger: silentLogger };
let engine: EmbeddedEngine;
let store: Store;

beforeAll(async () => {
  engine = await startMigratedEngine();
  const { url, user, password } = engine;
  store = openStore({ url, user, password, database: DATABASE }, deps);
}, 60_000);
afterAll(async () => {
  await store.close();
  await engine[Symbol.asyncDispose]();
});

describe("tail -f", () => {
  it("shows the newest rows and says how many before them it leaves out", async () => {
    const fromMs = Date.now() - 60_000;
    const row = (index: number) => ({ model: "busy", ts: fromMs + index, id: `p${index}` });
    await store.insert(
      "predictions",
      Array.from({ length: 250 }, (_, index) => row(index)),
    );
    // The row at `fromMs` itself was shown before.
    const busy = await rowsSince(store, "busy", fromMs, 200);
    expect(busy.leftOut).toBe(49);
    expect(busy.rows.map(({ id }) => id).slice(0, 2)).toEqual(["p50", "p51"]);
    expect(busy.rows).toHaveLength(200);
    expect(await rowsSince(store, "busy", fromMs, 300)).toMatchObject({ leftOut: 0 });
    expect(await rowsSince(store, "busy", fromMs + 249, 200)).toEqual({ rows: [], leftOut: 0 });
  });
});

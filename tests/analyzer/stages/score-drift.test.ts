import { afterAll, beforeAll, expect, it } from "vitest";
import { versionsIn } from "../../../analyzer/stages/score-drift.ts";
import { DAY_MS, windowEndingAt } from "../../../contract/window.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { openStore, type Store } from "../../../store/client.ts";
import { DATABASE, startMigratedEngine } from "../../support/migrated-engine.ts";

type Engine = Awaited<ReturnType<typeof startMigratedEngine>>;
let engine: Engine;
let store: Store;
beforeAll(async () => {
  engine = await startMigratedEngine();
  const { url, user, password } = engine;
  const deps = { clock: systemClock, logger: silentLogger };
  store = openStore({ url, user, password, database: DATABASE }, deps);
}, 120_000);
afterAll(async () => {
  await store.close();
  await engine.stop();
});

it("versionsIn() tells a version that answered for a part of the week from one that did all week", async () => {
  const week = windowEndingAt("week", Date.UTC(2026, 7, 24));
  const answered = (version: string, day: number, n: number): object => ({
    ...{ model: "m", version, segment_tag: "", segment_value: "", error: "", n },
    ...{ time: week.fromMs + day * DAY_MS, latency_n: 0, latency_s: 0 },
  });
  // Version 2 is a canary on Monday and serves alone from Tuesday on.
  await store.insert("model_days", [
    answered("1", 0, 14_000),
    answered("2", 0, 1_900),
    ...[1, 2, 3, 4, 5, 6].map((day) => answered("2", day, 16_000)),
  ]);
  expect(await versionsIn("m", week, store)).toEqual([
    { version: "2", rows: 97_900, isWhole: true },
    { version: "1", rows: 14_000, isWhole: false },
  ]);
});

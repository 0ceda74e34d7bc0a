import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { type Store, openStore } from "../../store/client.ts";
import { alertsListed } from "../../store/queries/analyzer-state.ts";
import type { EmbeddedEngine } from "../support/embedded-engine.ts";
import { DATABASE, startMigratedEngine } from "../support/migrated-engine.ts";

const deps = { clock: systemClock, logger: silentLogger };
const BEGAN = Date.UTC(2026, 5, 1);
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

const alert = (id: string, state: string, from: number, firedMs: number | null) => ({
  ...{ id, model: "m", kind: "drift", cause: "unknown", severity: "ticket", state },
  ...{ from, to: state === "firing" ? null : from + 1, at: from, title: id, text: "", revision: 1 },
  detail: JSON.stringify({ firedMs }),
});

it("an alert that fires for weeks is listed before a thousand that are over, and pending ones that told nobody not at all", async () => {
  const over = Array.from({ length: 1_200 }, (_, i) =>
    alert(`over-${i}`, "resolved", BEGAN + i * 60_000, BEGAN),
  );
  const pending = Array.from({ length: 300 }, (_, i) =>
    alert(`pending-${i}`, "resolved", BEGAN + i * 60_000, null),
  );
  const old = alert("fires", "firing", BEGAN - 30 * 86_400_000, BEGAN);
  await store.insert("alerts", [...over, ...pending, old]);
  const rows = await store.query(alertsListed, { model: "", states: [], limit: 1_000 });
  expect(rows).toHaveLength(1_000);
  expect(rows[0]).toMatchObject({ id: "fires", total: 1_201 });
  expect(rows[1]).toMatchObject({ id: "over-1199" });
  expect(rows.some(({ id }) => id.startsWith("pending"))).toBe(false);
});

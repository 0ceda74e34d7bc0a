import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { type Store, openStore } from "../../store/client.ts";
import { lastChanges } from "../../store/queries/analysis-results.ts";
import type { EmbeddedEngine } from "../support/embedded-engine.ts";
import { DATABASE, startMigratedEngine } from "../support/migrated-engine.ts";

const deps = { clock: systemClock, logger: silentLogger };
const HOUR_MS = 3_600_000;
const WALL = Date.UTC(2026, 10, 23, 14);
const REPLAY = Date.UTC(2026, 6, 27, 10);
let engine: EmbeddedEngine;
let store: Store;
let seq = 0;

beforeAll(async () => {
  engine = await startMigratedEngine();
  const { url, user, password } = engine;
  store = openStore({ url, user, password, database: DATABASE }, deps);
}, 60_000);
afterAll(async () => {
  await store.close();
  await engine[Symbol.asyncDispose]();
});

async function audit(model: string, action: string, target: string, at: number): Promise<void> {
  seq += 1;
  const who = { actor: "retrainer", reason: "", previous_hash: "", hash: "", detail: "" };
  const time = WALL + seq * 1000;
  await store.insert("audit_log", [{ seq, at, time, action, model, target, ...who }]);
}

const last = async (model: string) =>
  (await store.query(lastChanges, {})).find((row) => row.model === model);

describe("the last change of a model", () => {
  it("of a replay is what was done last, at the time of the model's own clock", async () => {
    const model = "replayed";
    const clock = { clock: "replay", time: REPLAY + 500 * HOUR_MS, updated: WALL, revision: 1 };
    await store.insert("model_clocks", [{ model, ...clock }]);
    const day = { version: "1", segment_tag: "", segment_value: "", error: "", time: REPLAY };
    await store.insert("model_hours", [{ model, ...day, n: 3 }]);
    // The server was asked which version serves before the replay announced its first hour.
    await audit(model, "adopt", "1", WALL);
    expect(await last(model)).toEqual({ model, at: REPLAY, what: "version 1 adopted" });

    const promotedMs = REPLAY + 300 * HOUR_MS;
    await store.insert("retraining_runs", [{ id: "run-a", model, version: "2", revision: 1 }]);
    await audit(model, "promoted", "run-a", promotedMs);
    expect(await last(model)).toEqual({ model, at: promotedMs, what: "version 2 promoted" });

    // The example stores its document again whenever it goes on.
    const again = { status: "active", updated: WALL + 999 * HOUR_MS, revision: 1 };
    await store.insert("models", [{ model, ...again }]);
    expect(await last(model)).toEqual({ model, at: promotedMs, what: "version 2 promoted" });

    const backMs = REPLAY + 400 * HOUR_MS;
    await audit(model, "rollback", "1", backMs);
    await audit(model, "training", "run-b", backMs + HOUR_MS);
    expect(await last(model)).toEqual({ model, at: backMs, what: "rolled back to version 1" });
  });

  it("of a model on the wall clock is its document's, version's or one made elsewhere", async () => {
    const model = "live";
    const change = { id: "c", model, time: WALL - HOUR_MS, kind: "deploy", title: "app 5.3" };
    await audit(model, "adopt", "7", WALL - 9 * HOUR_MS);
    expect(await last(model)).toMatchObject({ at: WALL - 9 * HOUR_MS, what: "version 7 adopted" });
    await store.insert("changes", [{ ...change, created: WALL + HOUR_MS, revision: 1 }]);
    expect(await last(model)).toMatchObject({ at: WALL - HOUR_MS, what: "app 5.3" });
    const updated = WALL + 2 * HOUR_MS;
    await store.insert("models", [{ model, status: "active", updated, revision: 1 }]);
    expect(await last(model)).toMatchObject({ at: updated, what: "document" });
  });
});

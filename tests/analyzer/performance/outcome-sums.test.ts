import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../../runtime/random.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { auc } from "../../../stats/index.ts";
import { type Store, openStore } from "../../../store/client.ts";
import { migrate } from "../../../store/migrate.ts";
import {
  outcomeSumsByDay,
  outcomeSumsOfSpan,
  scoreShift,
} from "../../../store/queries/outcome-sums.ts";
import type { EmbeddedEngine } from "../../support/embedded-engine.ts";
import { startMigratedEngine } from "../../support/migrated-engine.ts";

const DAY_MS = 86_400_000;
const FROM_MS = Date.UTC(2026, 2, 2);
const ROWS = 20_000;
const deps = { clock: systemClock, logger: silentLogger };

let engine: EmbeddedEngine;
let store: Store;
beforeAll(async () => {
  engine = await startMigratedEngine();
  const { url, user, password } = engine;
  store = openStore({ url, user, password, database: "driftmend" }, deps);
  await migrate(store, { retention: { outcomes: 3_650 } }, deps);
}, 60_000);
afterAll(async () => {
  await store.close();
  await engine[Symbol.asyncDispose]();
});

/** Scores of these shapes with outcomes that they foretell a little, over two days. */
const SHAPES: Record<string, (u: number) => number> = {
  "spread evenly": (u) => u,
  "rare, near 0": (u) => 1e-4 * u ** 4,
  "sure, near 1": (u) => 1 - 1e-6 * u,
  "few values, many ties": (u) => Math.floor(u * 7) / 6,
};

async function load(model: string, shape: (u: number) => number) {
  const random = seededRandom(17);
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const u = random.next();
    const late = random.next() < 0.1 + 0.5 * u;
    const ts = FROM_MS + Math.floor((i * 2 * DAY_MS) / ROWS);
    return { u, ts, score: shape(u), label: late ? 1 : 0, client: i % 3 === 0 ? "a" : "b" };
  });
  await store.insert(
    "outcomes",
    rows.map(({ ts, score, label, client }, i) => ({
      ...{ model, ts, id: `${i}`, id_hash: i, version: "1", tags: { client }, score },
      ...{ value: Number.NaN, predicted: "", actual_label: `${label}`, actual_value: Number.NaN },
      ...{ known: ts + 1000, revision: 1 },
    })),
  );
  return rows;
}

describe("AUC of the engine's sums", () => {
  it.each(Object.entries(SHAPES))(
    "is that of the pairs, %s, by block and segment",
    async (model, shape) => {
      const rows = await load(model, shape);
      const aucOf = (of: typeof rows) =>
        auc(
          of.map(({ score }) => score),
          of.map(({ label }) => label),
        );
      const params = {
        ...{ model, fromMs: FROM_MS, toMs: FROM_MS + 2 * DAY_MS, knownMs: FROM_MS + 3 * DAY_MS },
        ...{ positive: "1", threshold: 0.5, tag1: "client", tag2: "" },
      };
      for (const [spanRows, error] of [
        [ROWS, 2e-5],
        [100_000_000, 1e-4],
      ] as const) {
        const fine = { ...params, scoreShift: scoreShift(spanRows) };
        const whole = await store.query(outcomeSumsOfSpan, fine);
        const all = whole.find(({ segment_tag: tag, version }) => tag === "" && version === "");
        expect(all?.n).toBe(ROWS);
        expect(Math.abs((all?.auc ?? 0) - aucOf(rows))).toBeLessThan(error);
        const ofA = whole.find(({ segment_value: value }) => value === "a");
        const rowsOfA = rows.filter(({ client }) => client === "a");
        expect(ofA?.n).toBe(rowsOfA.length);
        expect(Math.abs((ofA?.auc ?? 0) - aucOf(rowsOfA))).toBeLessThan(error);
        const days = await store.query(outcomeSumsByDay, fine);
        const second = days.find(({ block, segment_tag: tag, version }) => {
          return block === FROM_MS + DAY_MS && tag === "" && version === "";
        });
        const rowsOfSecond = rows.filter(({ ts }) => ts >= FROM_MS + DAY_MS);
        expect(Math.abs((second?.auc ?? 0) - aucOf(rowsOfSecond))).toBeLessThan(error);
      }
    },
    60_000,
  );
});

/**
 * A small model's life in the real store: 600 requests a day whose lateness depends on hour and city, and
 * on another city from a day on. Rows are made from the seed, labels follow two hours later.
 */
import { z } from "zod";
import { silentLogger } from "../../../runtime/logger.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { seededRandom } from "../../../runtime/random.ts";
import { type Store, openStore } from "../../../store/client.ts";
import { defineCommand } from "../../../store/define-query.ts";
import { migrate } from "../../../store/migrate.ts";
import type { EmbeddedEngine } from "../../support/embedded-engine.ts";
import { DATABASE, startMigratedEngine } from "../../support/migrated-engine.ts";

export const MODEL = "trips";
export const DAY_MS = 86_400_000;
/** A Monday. */
export const BEGIN_MS = Date.UTC(2026, 8, 7);
export const CITIES = ["ams", "ber", "cph", "dub"];
export const ROWS_A_DAY = 600;

export interface SmallWorld {
  readonly store: Store;
  readonly engine: EmbeddedEngine;
  /** Writes the days [from, to) as served by `versionOf(row)`; after `changeDay` the world is another. */
  serve(
    from: number,
    to: number,
    options?: {
      readonly changeDay?: number;
      /** Added to the truth's logit: all are late more often, the ranking stays. */
      readonly shift?: number;
      readonly versionOf?: (row: number) => string;
      /** Share of rows of version "2" that fail. */
      readonly errorShare?: number;
      readonly labelled?: boolean;
    },
  ): Promise<void>;
  close(): Promise<void>;
}

/** Probability of the positive class. */
export function truth(hour: number, city: number, changed: boolean, shift = 0): number {
  const late = changed ? city === 0 : city === 3;
  return 1 / (1 + Math.exp(-(-1.5 + (late ? 2 : 0) + (hour >= 12 ? 0.8 : 0) + shift)));
}

export async function openSmallWorld(): Promise<SmallWorld> {
  const engine = await startMigratedEngine();
  const { url, user, password } = engine;
  const store = openStore(
    { url, user, password, database: DATABASE },
    { clock: systemClock, logger: silentLogger },
  );
  await migrate(store, { retention: { predictions: 400, minutes: 400 } }, { clock: systemClock });
  return {
    store,
    engine,
    serve: async (from, to, options = {}) => {
      const rows: object[] = [];
      for (let day = from; day < to; day++) {
        const random = seededRandom(1000 + day);
        for (let i = 0; i < ROWS_A_DAY; i++) {
          const row = day * ROWS_A_DAY + i;
          const hour = Math.floor((i / ROWS_A_DAY) * 24);
          const city = random.integer(CITIES.length);
          const changed = day >= (options.changeDay ?? Number.POSITIVE_INFINITY);
          const positive = random.next() < truth(hour, city, changed, options.shift);
          const version = options.versionOf?.(row) ?? "1";
          const fails = version !== "1" && random.next() < (options.errorShare ?? 0);
          rows.push({
            model: MODEL,
            version,
            ts: BEGIN_MS + day * DAY_MS + Math.floor((i / ROWS_A_DAY) * DAY_MS),
            id: `trip-${row}`,
            num: { hour },
            cat: { city: CITIES[city] },
            tags: { app: `a${row % 5}`, truth: positive ? "1" : "0" },
            label: "",
            score: fails ? Number.NaN : truth(hour, city, false),
            value: Number.NaN,
            probabilities: {},
            latency: 0.001,
            error: fails ? "internal" : "",
            _spool: "s",
            _seq: 1,
            _group: 1,
            _shard: 0,
          });
        }
      }
      await store.insert("predictions", rows);
      if (options.labelled === false) return;
      const span = { model: MODEL, fromMs: BEGIN_MS + from * DAY_MS, toMs: BEGIN_MS + to * DAY_MS };
      await store.command(labelAll, span);
    },
    close: async () => {
      await store.close();
      await engine[Symbol.asyncDispose]();
    },
  };
}

const labelAll = defineCommand({
  name: "test_label_all",
  params: z.object({ model: z.string(), fromMs: z.int(), toMs: z.int() }),
  repeatable: true,
  sql: `INSERT INTO outcomes (model, ts, id, id_hash, version, tags, score, value, predicted, actual_label,
      actual_value, known, revision)
    SELECT model, ts, id, id_hash, version, tags, score, value, '', tags['truth'], nan,
      ts + INTERVAL 2 HOUR, 1
    FROM predictions
    WHERE model = {model:String} AND error = ''
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}`,
});

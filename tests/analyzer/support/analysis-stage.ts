/** The real engine with the schema, the synthetic model's training set as Parquet, and its past in tables. */
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import {
  OnboardingDocument,
  type OnboardingDocumentInput,
} from "../../../contract/onboarding-document.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { type Store, openStore } from "../../../store/client.ts";
import { defineQuery } from "../../../store/define-query.ts";
import { migrate } from "../../../store/migrate.ts";
import { startMigratedEngine } from "../../support/migrated-engine.ts";
import { type PastRow, loadHistory } from "./load-history.ts";
import { DAY_MS, MODEL, START_MS, type TrafficPlan, syntheticDay } from "./synthetic-traffic.ts";

export const deps = { clock: systemClock, logger: silentLogger };
const TRAINING = "training";
const TRAINING_DAYS = 21;

export interface AnalysisStage extends AsyncDisposable {
  readonly store: Store;
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly trainingSet: string;
  readonly document: OnboardingDocument;
  readonly documentGiven: OnboardingDocumentInput;
}

const trainingRows = defineQuery({
  name: "test_training_rows",
  params: z.object({}),
  row: z.unknown(),
  sql: `SELECT p.id AS prediction_id, p.ts AS time, num['hour'] AS hour, num['weekday'] AS weekday,
      num['distance'] AS distance, toString(cat['place']) AS place, toString(tags['client']) AS client,
      toString(o.actual_label) AS label
    FROM predictions AS p INNER JOIN outcomes AS o ON o.model = p.model AND o.id_hash = p.id_hash
    WHERE p.model = '${TRAINING}' AND o.model = '${TRAINING}'`,
});

/** Engine, schema and training set; the model itself has no past yet. */
export async function startAnalysisStage(rowsPerDay: number): Promise<AnalysisStage> {
  const engine = await startMigratedEngine();
  const folder = await mkdtemp(join(tmpdir(), "driftmend-analysis-"));
  const { url, user, password } = engine;
  const store = openStore({ url, user, password, database: "driftmend" }, deps);
  await migrate(
    store,
    { retention: { predictions: 3_650, outcomes: 3_650, minutes: 3_650 } },
    deps,
  );
  await loadSpan(store, { model: TRAINING, tags: ["client"] }, 0, TRAINING_DAYS, (day) =>
    syntheticDay({ seed: 1, rowsPerDay }, day),
  );
  const trainingSet = join(folder, "training.parquet");
  await pipeline(await store.stream(trainingRows, {}, "Parquet"), createWriteStream(trainingSet));
  const documentGiven = syntheticDocument(trainingSet);
  return {
    store,
    ...{ url, user, password, trainingSet, documentGiven },
    document: OnboardingDocument.parse(documentGiven),
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await engine[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const syntheticDocument = (trainingSet: string): OnboardingDocumentInput => ({
  apiVersion: "driftmend/v1",
  kind: "Model",
  metadata: { name: MODEL },
  task: { type: "binary", positive: "1" },
  features: {
    hour: { type: "numeric", range: [0, 23], period: 24 },
    weekday: { type: "numeric", range: [1, 7], period: 7 },
    distance: { type: "numeric" },
    place: { type: "categorical" },
  },
  segments: ["client"],
  rollup: "1h",
  labels: { lateness: 0 },
  reference: { training_set: trainingSet },
});

/** The model's days [fromDay, toDay) of a plan, as collected. */
export function loadDays(
  store: Store,
  plan: TrafficPlan,
  fromDay: number,
  toDay: number,
): Promise<void> {
  return loadSpan(store, { model: MODEL, tags: ["client"] }, fromDay, toDay, (day) =>
    syntheticDay(plan, day),
  );
}

/** A statement costs as much as thousands of rows: days are stored a week at a time. */
const DAYS_AT_ONCE = 7;

/** Days [fromDay, toDay) of a model, whatever model `rowsOf` says its rows are of. */
export async function loadSpan(
  store: Store,
  { model, tags }: { readonly model: string; readonly tags: readonly string[] },
  fromDay: number,
  toDay: number,
  rowsOf: (day: number) => readonly PastRow[],
): Promise<void> {
  for (let day = fromDay; day < toDay; day += DAYS_AT_ONCE) {
    const endDay = Math.min(day + DAYS_AT_ONCE, toDay);
    const days = Array.from({ length: endDay - day }, (_, i) => rowsOf(day + i));
    const rows = days.flat().map((row) => ({ ...row, model }));
    const span = { fromMs: START_MS + day * DAY_MS, toMs: START_MS + endDay * DAY_MS };
    await loadHistory(store, { model, rows, tags, ...span });
  }
}

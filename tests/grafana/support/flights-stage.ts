/**
 * The example's flights in the store as agents, collector, analyzer and retrainer would leave them after two
 * weeks: a clean one, then one with an hour of failing requests, two clients that send kilometres, and a
 * roll-out by way of a canary. Windows and alerts are computed by the analyzer's own code.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { advance } from "../../../analyzer/advance.ts";
import { storeAlertRevisions } from "../../../analyzer/alerts/store-alerts.ts";
import { Evaluation } from "../../../analyzer/evaluation.ts";
import { EMPTY_MEMORY } from "../../../analyzer/memory.ts";
import { learnTrainingSet } from "../../../analyzer/reference/learn-training-set.ts";
import { loadReference } from "../../../analyzer/reference/load-reference.ts";
import { readGrids } from "../../../analyzer/reference/store-grids.ts";
import { OnboardingDocument } from "../../../contract/onboarding-document.ts";
import { isFailing } from "../../../examples/flights/apply-troubles.ts";
import {
  DAY_MINUTES,
  DAY_MS,
  EPOCH_MS,
  MINUTE_MS,
  firstDayOfWeek,
} from "../../../examples/flights/data/calendar.ts";
import { prepareFlights } from "../../../examples/flights/data/prepare-flights.ts";
import { type World, worldOf } from "../../../examples/flights/offline/world.ts";
import { flightsDocument } from "../../../examples/flights/setup/document.ts";
import { type Troubles, planTroubles } from "../../../examples/flights/troubles.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { type Store, openStore } from "../../../store/client.ts";
import { migrate } from "../../../store/migrate.ts";
import { flightsDay } from "../../analyzer/support/flights-past.ts";
import { type PastRow, loadHistory } from "../../analyzer/support/load-history.ts";
import { startMigratedEngine } from "../../support/migrated-engine.ts";
import type { Reader } from "./ask-reader.ts";
import { storeBooks, storeVersionReferences } from "./stored-books.ts";

export const MODEL = "flights";
const CLEAN_WEEK = 11;
const BROKEN_WEEK = 12;
/** Days of the broken week on which a tenth of the requests, then all, go to version 2. */
const CANARY_DAY = 1;
const PROMOTED_DAY = 2;
/** One flight in so many is asked about, to be quick; on the day of the errors every one is. */
const SAMPLE = 4;
const deps = { clock: systemClock, logger: silentLogger };

export interface FlightsStage extends AsyncDisposable {
  readonly reader: Reader;
  readonly store: Store;
  /** Of the model's time. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Start of the hour in which 3 % of the requests fail. */
  readonly errorsFromMs: number;
  readonly canaryMs: number;
  readonly promotedMs: number;
}

export async function startFlightsStage(): Promise<FlightsStage> {
  const engine = await startMigratedEngine();
  const folder = await mkdtemp(join(tmpdir(), "driftmend-grafana-"));
  const database = "driftmend";
  const { url, user, password } = engine;
  const store = openStore({ url, user, password, database }, deps);
  const close = async (): Promise<void> => {
    await store.close();
    await engine[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const span = await loadFlights(store, folder);
    return {
      ...span,
      store,
      reader: { url, user: engine.readUser, password: engine.readPassword, database },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function loadFlights(store: Store, folder: string) {
  await migrate(
    store,
    { retention: { predictions: 3_650, outcomes: 3_650, minutes: 3_650, server_metrics: 3_650 } },
    deps,
  );
  const prepared = await prepareFlights({ folder, nowMs: Date.UTC(2026, 10, 23) });
  const document = OnboardingDocument.parse(
    flightsDocument({
      trainingSetPath: prepared.trainingSetPath,
      repository: join(folder, "repository"),
      serverUrl: "http://127.0.0.1:9",
      trainer: { name: "node", command: ["trainer"], gpus: 0 },
    }),
  );
  await learnTrainingSet(document, prepared.trainingSetPath, { ...deps, store });
  const troubles = troublesOfOneWeek();
  const world = worldOf(prepared.flights, troubles);
  const originMs = EPOCH_MS + prepared.shiftMs;
  const dayMs = (day: number): number => originMs + day * DAY_MS;
  const first = firstDayOfWeek(CLEAN_WEEK);
  const broken = firstDayOfWeek(BROKEN_WEEK);
  for (let day = first; day < broken + 7; day++) {
    const rows = answered(world, day, troubles, day - broken);
    const span = { fromMs: dayMs(day), toMs: dayMs(day + 1) };
    await loadHistory(store, { model: MODEL, rows, tags: [...document.segments], ...span });
  }
  const span = {
    fromMs: dayMs(first),
    toMs: dayMs(broken + 7),
    errorsFromMs: originMs + troubles.serverErrors.fromMinute * MINUTE_MS,
    canaryMs: dayMs(broken + CANARY_DAY),
    promotedMs: dayMs(broken + PROMOTED_DAY),
  };
  await storeVersionReferences(store, MODEL);
  await evaluate(store, document, span);
  await storeBooks(store, { model: MODEL, document, ...span });
  return span;
}

/** The story's data break is six weeks later: here it comes in the week of the errors. */
function troublesOfOneWeek(): Troubles {
  const planned = planTroubles(undefined);
  const fromMinute = firstDayOfWeek(BROKEN_WEEK) * DAY_MINUTES;
  const toMinute = fromMinute + 7 * DAY_MINUTES;
  return {
    ...planned,
    dataBreak: { ...planned.dataBreak, week: BROKEN_WEEK, fromMinute, toMinute },
  };
}

/** A day's rows with what a server would have answered: the later the hour, the likelier a delay. */
function answered(world: World, day: number, troubles: Troubles, brokenDay: number): PastRow[] {
  const { flights } = world;
  let row = flights.dayStart[day] ?? 0;
  const errorsDay = Math.floor(troubles.serverErrors.fromMinute / DAY_MINUTES);
  return flightsDay(world, day, null).flatMap((past) => {
    const at = row++;
    if (day !== errorsDay && at % SAMPLE !== 0) return [];
    const share = brokenDay < CANARY_DAY ? 0 : brokenDay < PROMOTED_DAY ? 0.1 : 1;
    const version = (Math.floor(at / SAMPLE) % 10) / 10 < share ? "2" : "1";
    const knownMs = EPOCH_MS + flights.shiftMs + (world.knownMinute[at] ?? Infinity) * MINUTE_MS;
    const score = 0.1 + 0.01 * (flights.hour[at] ?? 0);
    return {
      ...past,
      version,
      latency: 0.001 + 0.0001 * (at % 40) + (at % 100 === 0 ? 0.05 : 0),
      ...(isFailing(flights, at, troubles.serverErrors)
        ? { error: "internal" }
        : { score, label: score > 0.5 ? "1" : "0" }),
      actual: flights.late[at] === 1 ? "1" : "0",
      knownMs,
    };
  });
}

async function evaluate(
  store: Store,
  document: OnboardingDocument,
  span: { readonly fromMs: number; readonly toMs: number },
): Promise<void> {
  const grids = await readGrids(MODEL, store);
  const reference = await loadReference(MODEL, grids, store);
  const context = { model: MODEL, document, isDescribed: true, grids, reference };
  const evaluation = new Evaluation(context, EMPTY_MEMORY);
  for (let throughMs = span.fromMs; throughMs < span.toMs; ) {
    throughMs = await advance(evaluation, throughMs, span.toMs, { ...deps, store });
    await storeAlertRevisions(evaluation.revisions.splice(0), { store });
  }
}

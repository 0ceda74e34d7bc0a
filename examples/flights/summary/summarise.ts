/**
 * The summary of `--once` (INTERFACES §10): what was planted, what was found, what the loop did, and
 * what it was worth on the same flights. Every figure is computed here from stored rows and records.
 */
import { join } from "node:path";
import type { ExampleOptions, Measured, RunningStage } from "../../../runtime/example-plan.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { openStore } from "../../../store/client.ts";
import { DAY_MS, EPOCH_MS, weekOfDay } from "../data/calendar.ts";
import type { Flights } from "../data/flights-file.ts";
import { prepareFlights } from "../data/prepare-flights.ts";
import { type Figures, figuresOf } from "../offline/figures.ts";
import { readProgress } from "../replay/progress.ts";
import { reportTroubles } from "../trouble-report.ts";
import { planTroubles } from "../troubles.ts";
import { type LoopRecords, type Quarantined, readLoopRecords } from "./loop-records.ts";
import { type Recorded, readRecorded } from "./recorded.ts";
import { tellRecorded } from "./tell-recorded.ts";

export interface Computed {
  readonly records: LoopRecords;
  readonly recorded: Recorded;
  readonly figures: Figures;
  readonly flights: Flights;
  readonly dayOf: (timeMs: number) => number;
}

/** Served against stale on the same flights, out of stored rows: seconds of work. */
export async function compute(stage: RunningStage, permuteLabels: boolean): Promise<Computed> {
  const records = await readLoopRecords(stage);
  const { flights } = await prepareFlights({
    folder: stage.folder,
    nowMs: stage.clock.nowMs(),
    permuteLabels,
  });
  const store = openStore(
    { ...stage.system.clickhouse, database: "default" },
    { clock: stage.clock, logger: silentLogger },
  );
  const dayOf = (timeMs: number): number =>
    Math.floor((timeMs - EPOCH_MS - flights.shiftMs) / DAY_MS);
  const recorded = await readRecorded(flights, quarantineOf(records), store);
  await store.close();
  const story = await tellRecorded(recorded, {
    stalePath: pathOfVersion(records, "1"),
    refitPaths: refitPathsOf(records, (timeMs) => weekOfDay(dayOf(timeMs)) - 1),
    promotions: records.runs
      .flatMap(({ at, promotedAt }) =>
        promotedAt === null ? [] : [{ week: weekOfDay(dayOf(at)) - 1, fullDay: dayOf(promotedAt) }],
      )
      .toSorted((a, b) => a.fullDay - b.fullDay),
  });
  return { records, recorded, figures: figuresOf(story), flights, dayOf };
}

export async function summarise(
  stage: RunningStage,
  measured: Measured,
  options: ExampleOptions,
): Promise<object> {
  stage.progress("Computing the summary from the stored rows");
  const computed = await compute(stage, options.permuteLabels);
  const { records, recorded, figures, flights, dayOf } = computed;
  const sent = (await readProgress(join(stage.folder, "replay.json")))?.predictions ?? 0;
  const troubles = options.troubles ? reportTroubles(planTroubles(options.seed), flights) : [];
  stage.progress(null);
  return {
    // Nothing lost and nothing twice, from the model server's requests to the rows that were read here.
    ok: recorded.predictions === sent,
    wallSeconds: measured.wallSeconds,
    predictions: recorded.predictions,
    predictionsSent: sent,
    predictionsPerSecond: recorded.predictions / measured.wallSeconds,
    labels: recorded.labels,
    alerts: records.alerts.map(({ id, kind, severity, from, to }) => ({
      ...{ id, kind, severity, from, to },
    })),
    troubles,
    investigations: records.quarantine.map(investigationOf),
    runs: records.runs.map((run) => ({
      id: run.id,
      decision: run.decision,
      verdict: run.verdict,
      version: run.version,
      promoted: run.promoted,
      promotedAt: run.promotedAt === null ? null : isoOf(run.promotedAt),
      at: isoOf(run.at),
      status: run.status,
    })),
    checks: records.checks.map(({ at, decision, reason, numbers, runId }) => ({
      ...{ week: weekOfDay(dayOf(at)) - 1, at: isoOf(at), decision, reason, numbers, runId },
    })),
    logLoss: logLossOf(figures),
    recalibrationShare: figures.recalibrationShare,
    recalibrationShareSinceFirstPromotion: figures.recalibrationShareSince,
    refitEpisodes: figures.refitEpisodes,
    calibrationWeeks: { served: figures.alertWeeks, refitted: figures.refitAlertWeeks },
    brokenLogLoss: figures.brokenLogLoss,
    trainer: options.trainer,
    device: records.versions.at(-1)?.artifact.device ?? null,
    residentBytesMax: measured.residentBytesMax,
    dataDir: stage.system.dataDir,
  };
}

function logLossOf(figures: Figures): object {
  const { total } = figures;
  return {
    stale: total.stale,
    served: total.served,
    difference: total.difference,
    byDay: total.byDay,
    byWeek: total.byWeek,
    rows: total.rows,
    sinceFirstPromotion: figures.sinceFirstPromotion,
    weeks: figures.weeks,
    weeksBetter: figures.weeksBetter,
    weeksPromoted: figures.weeksPromoted,
    weeksBeyondDoubt: figures.weeksBeyondDoubt,
  };
}

const isoOf = (timeMs: number): string => new Date(timeMs).toISOString();

function pathOfVersion(records: LoopRecords, version: string): string {
  const found = records.versions.find((candidate) => candidate.version === version);
  if (found === undefined) throw new Error(`Version "${version}" is not in the registry`);
  return join(found.artifact.folder, found.artifact.entry);
}

function refitPathsOf(
  records: LoopRecords,
  weekOf: (timeMs: number) => number,
): ReadonlyMap<number, string> {
  return new Map(
    records.checks.flatMap(({ at, artifact }) =>
      artifact === null ? [] : [[weekOf(at), join(artifact, "model.onnx")] as const],
    ),
  );
}

const OPEN_END_MS = Date.UTC(2299, 0, 1);

const quarantineOf = (records: LoopRecords) =>
  records.quarantine.map(({ values, from, to }) => ({
    values,
    fromMs: from,
    toMs: to ?? OPEN_END_MS,
  }));

function investigationOf({ finding, from, to, rows }: Quarantined): object {
  return {
    kind: finding.kind,
    columns: finding.columns,
    factor: finding.factor,
    shift: finding.shift?.median ?? null,
    shiftMin: finding.shift?.min ?? null,
    shiftMax: finding.shift?.max ?? null,
    segment: finding.segment,
    from: isoOf(from),
    to: to === null ? null : isoOf(to),
    cause: finding.cause,
    rowsQuarantined: rows,
  };
}

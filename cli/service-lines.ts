/**
 * What a service says of itself, as sentences for a person: how far behind it is, and what is wrong first.
 * Everything else is in `status --json`.
 */
import { z } from "zod";
import { formatBytes, formatCount, formatSpan, formatTime } from "./format.ts";

const Unavailable = z.object({ unavailable: z.string() });

const Agent = z.looseObject({
  spool: z.looseObject({
    spoolBytes: z.number(),
    unstoredFrames: z.number(),
    lagSeconds: z.number(),
  }),
  diskFull: z.boolean(),
  spoolBytesMax: z.number().optional(),
  shedding: z.looseObject({ reason: z.string().nullable() }).optional(),
  natsConnected: z.boolean(),
  heartbeat: z
    .object({ at: z.iso.datetime(), seconds: z.number().nullable() })
    .nullable()
    .prefault(null),
  totals: z.record(z.string(), z.number()),
  scrape: z
    .array(z.looseObject({ target: z.string(), up: z.boolean(), failures: z.number() }))
    .prefault([]),
});
const Collector = z.looseObject({
  ready: z.boolean(),
  reason: z.string().nullable(),
  tables: z.object({ bytes: z.number().nullable(), bytesMax: z.number().nullable() }).optional(),
  shards: z.array(
    z.looseObject({
      shard: z.int(),
      state: z.looseObject({
        kind: z.string(),
        progress: z.looseObject({ streamPending: z.number() }).optional(),
      }),
    }),
  ),
});
const AnalyzedModel = z.looseObject({
  model: z.string(),
  clock: z.string(),
  throughMs: z.number().nullable(),
  targetMs: z.number().nullable(),
  minutesThroughMs: z.number().nullable(),
  minutesTargetMs: z.number().nullable(),
  lastError: z.string().nullable(),
});
type AnalyzedModel = z.output<typeof AnalyzedModel>;
const MINUTE_MS = 60_000;
const Analyzer = z.looseObject({
  models: z.array(AnalyzedModel),
  notifications: z.looseObject({
    waiting: z.number(),
    held: z.number(),
    channels: z.array(
      z.looseObject({
        name: z.string(),
        up: z.boolean(),
        waiting: z.number(),
        failingSinceMs: z.number().nullable(),
        lastError: z.string().nullable(),
      }),
    ),
  }),
  documentFolder: z
    .looseObject({ problems: z.array(z.looseObject({ from: z.string() })) })
    .nullish(),
});
const Retrainer = z.looseObject({
  ready: z.boolean(),
  models: z.array(
    z.looseObject({
      model: z.string(),
      mode: z.string().nullable(),
      champion: z.string().nullable(),
      activeRun: z.unknown(),
    }),
  ),
});

/** Lines of one service, at least one. A service of another version shows as JSON. */
export function serviceLines(service: string, self: unknown): readonly string[] {
  const unavailable = Unavailable.safeParse(self);
  if (unavailable.success) return [`does not answer: ${unavailable.data.unavailable}`];
  const lines = read(service, self) ?? [JSON.stringify(self)];
  return lines.length === 0 ? ["no models yet"] : lines;
}

function read(service: string, self: unknown): string[] | null {
  if (service === "agent") return linesOf(Agent, self, agentLines);
  if (service === "collector") return linesOf(Collector, self, collectorLines);
  if (service === "analyzer") return linesOf(Analyzer, self, analyzerLines);
  if (service === "retrainer") return linesOf(Retrainer, self, retrainerLines);
  return null;
}

function linesOf<S extends z.ZodType>(
  schema: S,
  self: unknown,
  lines: (parsed: z.output<S>) => string[],
): string[] | null {
  const parsed = schema.safeParse(self);
  return parsed.success ? lines(parsed.data) : null;
}

function provenLine({ at, seconds }: { at: string; seconds: number | null }): string {
  const took = seconds === null ? "" : ` (the last heartbeat took ${seconds.toFixed(1)} s)`;
  return `something was last heard to be stored at ${at.slice(0, 19).replace("T", " ")} UTC${took}`;
}

function agentLines(agent: z.output<typeof Agent>): string[] {
  const { spool, diskFull, natsConnected, totals, scrape } = agent;
  const down = scrape.filter(({ failures }) => failures > 0);
  const sum = (prefix: string, end = ""): number =>
    Object.entries(totals).reduce(
      (all, [name, n]) => all + (name.startsWith(prefix) && name.endsWith(end) ? n : 0),
      0,
    );
  const dead = sum("deadLetters.");
  const thinned = sum("shed.", ".spool_filling");
  const shed = sum("shed.") - thinned;
  const sampledOut = totals["records.sampled_out"] ?? 0;
  const predictions = formatCount(totals["records.prediction"] ?? 0);
  const labels = formatCount(totals["records.label"] ?? 0);
  const room = agent.spoolBytesMax === undefined ? "" : ` of ${formatBytes(agent.spoolBytesMax)}`;
  const waits = `${formatCount(spool.unstoredFrames)} frames (${formatBytes(spool.spoolBytes)}${room}) wait to be stored`;
  const givenUp = agent.shedding?.reason ?? null;
  return [
    ...(diskFull ? ["THE DISK IS FULL: requests are answered 503; make room"] : []),
    ...(natsConnected ? [] : ["NATS IS AWAY: what comes is kept in the spool"]),
    ...(givenUp === null ? [] : [`LESS IS KEPT: ${givenUp}`]),
    `${predictions} predictions and ${labels} labels taken since its start`,
    spool.unstoredFrames === 0
      ? "everything is stored"
      : `${waits}, the oldest for ${formatSpan(spool.lagSeconds * 1000)}`,
    ...(agent.heartbeat === null ? [] : [provenLine(agent.heartbeat)]),
    ...(sampledOut === 0
      ? []
      : [
          `${formatCount(sampledOut)} predictions left out of samples, as documents or settings ask`,
        ]),
    ...(thinned === 0
      ? []
      : [
          `${formatCount(thinned)} predictions left out as the spool filled; those kept stand for them`,
        ]),
    ...(shed === 0
      ? []
      : [
          `${formatCount(shed)} predictions NOT KEPT, over the rate of their model: "driftmend doctor" says of which`,
        ]),
    ...(scrape.length === 0
      ? []
      : [
          `metrics of ${scrape.filter(({ up }) => up).length} of ${scrape.length} model servers are read`,
        ]),
    ...down.map(({ target }) => `METRICS OF ${target} CANNOT BE READ: "driftmend doctor" says why`),
    ...(dead === 0
      ? []
      : [`${formatCount(dead)} records set aside: "driftmend dead-letters list" says why`]),
  ];
}

function tableLine({
  bytes,
  bytesMax,
}: {
  bytes: number | null;
  bytesMax: number | null;
}): string[] {
  if (bytes === null || bytesMax === null) return [];
  return [`tables take ${formatBytes(bytes)} of ${formatBytes(bytesMax)}`];
}

function collectorLines({ ready, reason, shards, tables }: z.output<typeof Collector>): string[] {
  const running = shards.filter(({ state }) => state.kind === "running");
  const pending = running.reduce((sum, { state }) => sum + (state.progress?.streamPending ?? 0), 0);
  const behind = pending === 0 ? "nothing waits" : `${formatCount(pending)} messages wait in NATS`;
  const rest = shards.filter(({ state }) => state.kind !== "running");
  return [
    ...(ready ? [] : [`NOT READY: ${reason ?? "no reason given"}`]),
    `${running.length} of ${shards.length} shards run, ${behind}`,
    ...(tables === undefined ? [] : tableLine(tables)),
    ...rest.map(({ shard, state }) => `shard ${shard}: ${state.kind}`),
  ];
}

function analyzerLines({
  models,
  notifications,
  documentFolder,
}: z.output<typeof Analyzer>): string[] {
  return [
    ...models.map(modelLine),
    ...(documentFolder?.problems ?? []).map(
      ({ from }) => `DOCUMENT "${from}" IS NOT TAKEN: "driftmend doctor" says why`,
    ),
    ...notificationLines(notifications),
  ];
}

/** Days may lie far behind the minutes: they wait for `labels.lateness`. */
function modelLine(analyzed: AnalyzedModel): string {
  const { model, clock, throughMs, targetMs, minutesThroughMs, minutesTargetMs } = analyzed;
  if (analyzed.lastError !== null) return `${model}: FAILED: ${analyzed.lastError}`;
  if (throughMs === null || minutesThroughMs === null) return `${model}: nothing is analyzed yet`;
  const behindMs = Math.max(
    0,
    (targetMs ?? throughMs) - throughMs,
    (minutesTargetMs ?? minutesThroughMs) - minutesThroughMs,
  );
  const behind = behindMs < 1000 ? "up to date" : `${formatSpan(behindMs)} behind`;
  const days =
    minutesThroughMs - throughMs < MINUTE_MS ? "" : `, days through ${formatTime(throughMs)}`;
  return `${model}: analyzed through ${formatTime(minutesThroughMs)}${days} UTC (${clock} clock), ${behind}`;
}

/** Channels that fail, with what is not told for that reason; nothing where all is told. */
function notificationLines({
  waiting,
  held,
  channels,
}: z.output<typeof Analyzer>["notifications"]): string[] {
  const failing = channels.filter(({ up }) => !up);
  const rest = waiting - failing.reduce((sum, channel) => sum + channel.waiting, 0);
  return [
    ...failing.map(({ name, waiting: own, failingSinceMs, lastError }) => {
      const since = failingSinceMs === null ? "" : ` since ${formatTime(failingSinceMs)} UTC`;
      return `CHANNEL ${name} FAILS${since}: ${lastError ?? "no reason given"}; ${formatCount(own)} alert changes wait for it`;
    }),
    ...(rest <= 0 ? [] : [`${formatCount(rest)} alert changes are being told`]),
    ...(held === 0
      ? []
      : [`${formatCount(held)} alert changes are over the budget, for the digest`]),
  ];
}

function retrainerLines({ ready, models }: z.output<typeof Retrainer>): string[] {
  return [
    ...(ready ? [] : ["NOT READY"]),
    ...models.map(({ model, mode, champion, activeRun }) => {
      const serves = champion === null ? "no champion known" : `champion is version ${champion}`;
      const run = typeof activeRun === "string" ? `, run ${activeRun} is under way` : "";
      return `${model}: ${mode ?? "no document, so it is only watched"}, ${serves}${run}`;
    }),
  ];
}

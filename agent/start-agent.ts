/** Puts the agent together: spool, intake, doors, link to the collector. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { createHttpServer } from "../runtime/http-server.ts";
import { LIMITS } from "../contract/limits.ts";
import { type ServiceDeps, tokensOf } from "../runtime/service.ts";
import { AgentCounters, type AgentGauges } from "./agent-counters.ts";
import { FeatureRules } from "./columns/feature-rules.ts";
import { FrameBuilder } from "./columns/frame-builder.ts";
import { type AgentConfig, captureDefaults, OTLP_GRPC_PORT, sheddingPlan } from "./config.ts";
import { loadDocuments, loadSchemas, saveDocuments, saveSchemas } from "./documents-file.ts";
import { openDoorServer, refuseOpenDoors, tokenCheck } from "./doors/door-server.ts";
import { createDoors } from "./doors/doors.ts";
import { Lines } from "./doors/lines.ts";
import { type GrpcDoorDeps, openGrpcDoor } from "./doors/otlp-grpc.ts";
import { BodyReader } from "./doors/request-body.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Intake } from "./intake.ts";
import type { ColumnSchemas } from "./mapping/column-schemas.ts";
import { MappingBook } from "./mapping/mapping-book.ts";
import { readMappings, shippedMappings } from "./mapping/read-mappings.ts";
import { ModelClocks } from "./model-clocks.ts";
import { RequestReader } from "./otlp/request-reader.ts";
import { PINNED_TEXTS } from "./otlp/vocabulary.ts";
import { openProxy } from "./proxy/open-proxy.ts";
import { HalfLog } from "./pairs/half-log.ts";
import { Pairing, type PairingDeps } from "./pairs/pairing.ts";
import { RecordWarnings } from "./record-warnings.ts";
import { Recorder } from "./recorder.ts";
import { NOTHING_SHED, type Shedding, sheddingAt } from "./sampling/shedding.ts";
import { openServerMetrics } from "./server-metrics/open-server-metrics.ts";
import { ScrapeOwner } from "./server-metrics/scrape-owner.ts";
import type { Scraper } from "./server-metrics/scraper.ts";
import { Spool } from "./spool/spool.ts";
import { CollectorLink } from "./transport/collector-link.ts";
import { listenForLines } from "./transport/nats-lines.ts";

const DAY_MS = 86_400_000;
const GAUGE_PERIOD_MS = 2_000;
const PRUNE_PERIOD_MS = 60_000;
const ORPHANS_PERIOD_MS = 10_000;
const SPOOL_ID_BYTES = 16;
const MODELS_TOLD = 20;

/** Starts the agent; its doors answer when this resolves. Steps to stop it are left to the lifecycle. */
export async function startAgent(config: AgentConfig, deps: ServiceDeps): Promise<{ url: string }> {
  const { lifecycle } = deps;
  const serverOptions = {
    host: config.DRIFTMEND_HOST,
    port: config.DRIFTMEND_OTLP_HTTP_PORT,
    token: config.DRIFTMEND_TOKEN,
  };
  refuseOpenDoors(serverOptions);
  const parts = await assemble(config, deps);
  const { DRIFTMEND_MAPPINGS: own } = config;
  const mappings = new MappingBook(
    { own: own === undefined ? [] : readMappings(own), shipped: shippedMappings() },
    parts.rules,
  );
  await keepSchemas(config.DRIFTMEND_SPOOL_DIR, mappings.memory.schemas, deps);
  const pairing = await openPairing(config, { ...parts, mappings }, deps);
  const metrics = await openServerMetrics(config, { ...parts, mappings }, deps);
  const shared = {
    ...parts,
    metrics: metrics.door,
    mappings,
    pairing,
    reader: new RequestReader(parts.recorder, parts.rules, mappings),
    logger: deps.logger,
    clock: deps.clock,
    lifecycle,
    mayEnter: tokenCheck(serverOptions),
  };
  const heartbeat = startHeartbeat(config, parts, deps);
  const self = { ...parts, scraper: metrics.scraper, heartbeat };
  const elsewhere = await sharedRoutes(config, self, deps);
  const server = await openDoorServer(serverOptions, createDoors({ ...shared, elsewhere }));
  lifecycle.defer("doors", () => server.close());
  await openGrpc(config, shared);
  await openProxy(config, shared);
  parts.link.start();
  metrics.scraper.start();
  return { url: server.url };
}

function startHeartbeat(
  config: AgentConfig,
  { spool, intake }: Pick<AgentParts, "spool" | "intake">,
  { clock, lifecycle }: ServiceDeps,
): Heartbeat {
  const periodMs = 1000 * config.DRIFTMEND_HEARTBEAT_SECONDS;
  const heartbeat = new Heartbeat({ spool, intake, clock, periodMs });
  if (periodMs > 0) {
    lifecycle.defer(
      "heartbeat",
      clock.every(LIMITS.heartbeatLookMs, () => heartbeat.look()),
    );
  }
  return heartbeat;
}

function proofOf(heartbeat: Heartbeat): { at: string; seconds: number | null } | null {
  const proven = heartbeat.lastProven;
  if (proven === null) return null;
  const { atMs, tookMs } = proven;
  return { at: new Date(atMs).toISOString(), seconds: tookMs === null ? null : tookMs / 1000 };
}

async function keepSchemas(
  folder: string,
  schemas: ColumnSchemas,
  deps: ServiceDeps,
): Promise<void> {
  await loadSchemas(folder, schemas);
  const save = createSaver("column schemas", schemas, () => saveSchemas(folder, schemas), deps);
  schemas.onChange = save;
}

async function openPairing(
  config: AgentConfig,
  parts: Omit<PairingDeps, "log" | "clock">,
  { clock, lifecycle }: ServiceDeps,
): Promise<Pairing> {
  const folder = join(config.DRIFTMEND_SPOOL_DIR, "halves");
  const { log, halves } = await HalfLog.open(folder, clock.nowMs());
  lifecycle.defer("halves of exchanges", () => log.close());
  const pairing = new Pairing(halves, { ...parts, log, clock });
  lifecycle.defer(
    "orphans",
    clock.every(ORPHANS_PERIOD_MS, () => pairing.prune()),
  );
  return pairing;
}

/** A default port that is taken costs the door only: a Collector may listen there already. */
async function openGrpc(
  config: AgentConfig,
  deps: GrpcDoorDeps & Pick<ServiceDeps, "lifecycle">,
): Promise<void> {
  const asked = config.DRIFTMEND_OTLP_GRPC_PORT;
  if (asked === "off") return;
  const place = { host: config.DRIFTMEND_HOST, port: asked ?? OTLP_GRPC_PORT };
  try {
    const door = await openGrpcDoor(place, deps);
    deps.lifecycle.defer("gRPC door", () => door.close());
  } catch (error) {
    if (asked !== undefined) throw error;
    deps.logger.warn({ err: error }, "no OTLP/gRPC door is opened; OTLP/HTTP is");
  }
}

interface AgentParts {
  readonly spool: Spool;
  readonly rules: FeatureRules;
  readonly counters: AgentCounters;
  readonly clocks: ModelClocks;
  readonly link: CollectorLink;
  readonly recorder: Recorder;
  readonly intake: Intake;
  readonly bodies: BodyReader;
  readonly lines: Lines;
  readonly scrapeOwner: ScrapeOwner;
  readonly gauges: () => AgentGauges;
  readonly shedding: () => Shedding;
}

async function assemble(config: AgentConfig, deps: ServiceDeps): Promise<AgentParts> {
  const { clock, logger, lifecycle, metrics } = deps;
  const nowMs = (): number => clock.nowMs();
  const folder = config.DRIFTMEND_SPOOL_DIR;
  const randomHex = (): string => randomBytes(SPOOL_ID_BYTES).toString("hex");
  const spool = await Spool.open(folder, { nowMs, logger, randomHex });
  lifecycle.defer("spool", () => spool.close());
  const rules = new FeatureRules(config.DRIFTMEND_REDACTION_KEY, captureDefaults(config));
  await loadDocuments(folder, rules);
  const saveRules = createSaver("documents", rules, () => saveDocuments(folder, rules), deps);
  const counters = new AgentCounters(metrics, new RecordWarnings(deps));
  const clocks = new ModelClocks(nowMs, spool.clocks);
  const scrapeOwner = new ScrapeOwner();
  const link = new CollectorLink(
    {
      natsUrl: config.DRIFTMEND_NATS_URL,
      shards: config.DRIFTMEND_SHARDS,
      backlogBytesMax: config.DRIFTMEND_BACKLOG_BYTES,
      scrapes: config.DRIFTMEND_SCRAPE_DOCUMENTS === "on",
    },
    {
      scrapeOwner,
      ...{ spool, rules, clock, logger, counters, onRules: saveRules },
      onConnected: ({ connection }) => listenForLines(connection, { lines, counters }),
    },
  );
  lifecycle.defer("link to the collector", () => link.stop());
  const retentionMs = config.DRIFTMEND_EVENT_AGE_DAYS_MAX * DAY_MS;
  const frame = new FrameBuilder(PINNED_TEXTS);
  const plan = sheddingPlan(config);
  const shedding = (): Shedding => sheddingAt(intake.filled, plan);
  const recorder = new Recorder({ frame, rules, clocks, nowMs, retentionMs, shedding });
  const bodies = new BodyReader(clock, () => intake.isBehind);
  const intake = new Intake({
    spool,
    recorder,
    clocks,
    clock,
    spoolBytesMax: config.DRIFTMEND_SPOOL_BYTES_MAX,
    onBroken: (error) => {
      logger.error({ err: error }, "the spool cannot be written; starting again");
      throw error;
    },
    onCommitted: (frames, models) => {
      counters.frames("spooled", frames);
      link.spooled(models);
    },
    onRoom: () => bodies.wake(),
  });
  lifecycle.defer("requests on their way to the disk", () => intake.drain());
  const lines = new Lines({ intake, recorder, counters });
  const gauges = (): AgentGauges => gaugesOf(spool, link, nowMs());
  lifecycle.defer(
    "gauges",
    clock.every(GAUGE_PERIOD_MS, () => counters.gauges(gauges())),
  );
  lifecycle.defer("what is given up", tellShedding(shedding, deps));
  lifecycle.defer(
    "digest memory",
    clock.every(PRUNE_PERIOD_MS, () => spool.prune()),
  );
  const parts = { spool, rules, counters, clocks, link, recorder, intake, bodies };
  return { ...parts, lines, scrapeOwner, gauges, shedding };
}

/** Says in the log when more or less is given up. @returns what ends it */
function tellShedding(shedding: () => Shedding, { clock, logger }: ServiceDeps): () => void {
  let told = NOTHING_SHED;
  return clock.every(GAUGE_PERIOD_MS, () => {
    const now = shedding();
    if (now.halvings === told.halvings && now.withoutSamples === told.withoutSamples) return;
    told = now;
    const { halvings, withoutSamples } = now;
    logger.warn(
      { halvings, withoutSamples },
      now.reason ?? "the spool has room again: everything is kept",
    );
  });
}

function gaugesOf(spool: Spool, link: CollectorLink, nowMs: number): AgentGauges {
  const oldestMs = spool.oldestUnstoredMs;
  return {
    spoolBytes: spool.bytes,
    unstoredFrames: spool.unstoredFrames,
    publishedThrough: link.publishedThrough,
    storedThrough: spool.storedThrough,
    nextSeq: spool.nextSeq,
    lagSeconds: oldestMs === null ? 0 : Math.max(nowMs - oldestMs, 0) / 1000,
  };
}

/** Health, metrics and self as every service has them. */
async function sharedRoutes(
  config: AgentConfig,
  {
    spool,
    intake,
    link,
    clocks,
    counters,
    gauges,
    recorder,
    scraper,
    heartbeat,
    shedding,
  }: AgentParts & {
    readonly scraper: Scraper;
    readonly heartbeat: Heartbeat;
  },
  deps: ServiceDeps,
): Promise<(request: IncomingMessage, response: ServerResponse) => void> {
  const tokens = tokensOf(config, deps.clock);
  const { app, setReadiness, close } = createHttpServer(
    { host: config.DRIFTMEND_HOST, port: 0, tokens },
    deps,
  );
  setReadiness(() => intake.refusal?.message ?? null);
  app.get("/api/v1/self", { config: { access: "read" } }, () => ({
    service: "agent",
    spool: { id: spool.id, folder: config.DRIFTMEND_SPOOL_DIR, ...gauges() },
    diskFull: intake.isDiskFull,
    spoolBytesMax: config.DRIFTMEND_SPOOL_BYTES_MAX,
    shedding: shedding(),
    natsConnected: link.isConnected,
    heartbeat: proofOf(heartbeat),
    clocks: Object.fromEntries(
      [...clocks.entries()].map(([model, ms]) => [model, new Date(ms).toISOString()]),
    ),
    totals: counters.totals,
    modelsOverFeatureLimit: recorder.featureNames.over.slice(0, MODELS_TOLD),
    scrape: scraper.states().map(({ lastReadMs, ...state }) => ({
      ...state,
      lastRead: lastReadMs === null ? null : new Date(lastReadMs).toISOString(),
    })),
  }));
  await app.ready();
  deps.lifecycle.defer("routes", close);
  return (request, response) => app.routing(request, response);
}

/** Saves what has changed since it was saved last, one write at a time. */
function createSaver(
  name: string,
  changing: { readonly revision: number },
  write: () => Promise<void>,
  deps: ServiceDeps,
): () => void {
  let saving: Promise<void> | null = null;
  let savedRevision = changing.revision;
  const save = async (): Promise<void> => {
    while (savedRevision !== changing.revision) {
      savedRevision = changing.revision;
      await write().catch((error: unknown) => {
        deps.logger.warn({ err: error }, `${name} could not be kept beside the spool`);
      });
    }
    saving = null;
  };
  deps.lifecycle.defer(name, async () => {
    await saving;
  });
  return () => {
    saving ??= save();
  };
}

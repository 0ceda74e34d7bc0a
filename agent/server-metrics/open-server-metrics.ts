/** Puts together what takes server metrics in: the door of OTLP, and the reader of endpoints and of this machine. */
import { hostname } from "node:os";
import type { ServiceDeps } from "../../runtime/service.ts";
import type { AgentCounters } from "../agent-counters.ts";
import type { FeatureRules } from "../columns/feature-rules.ts";
import type { AgentConfig } from "../config.ts";
import type { Intake } from "../intake.ts";
import type { MappingBook } from "../mapping/mapping-book.ts";
import { MetricsReader } from "../otlp/read-metrics.ts";
import type { Recorder } from "../recorder.ts";
import type { Spool } from "../spool/spool.ts";
import { BaselineBook } from "./baseline-book.ts";
import { MetricMappings } from "./map-points.ts";
import { MetricDoor } from "./metric-door.ts";
import { MetricIntake } from "./metric-intake.ts";
import type { ScrapeOwner } from "./scrape-owner.ts";
import { Scraper } from "./scraper.ts";
import { type ScrapeTarget, type Targets, readTargets, targetsOfDocuments } from "./targets.ts";

const DAY_MS = 86_400_000;
const PRUNE_PERIOD_MS = 60_000;
const PROC = "/proc";

interface Parts {
  readonly spool: Spool;
  readonly intake: Intake;
  readonly recorder: Recorder;
  readonly rules: FeatureRules;
  readonly mappings: MappingBook;
  readonly counters: AgentCounters;
  readonly scrapeOwner: ScrapeOwner;
}

/** @throws {DriftmendError} scrape_targets_invalid */
export async function openServerMetrics(
  config: AgentConfig,
  parts: Parts,
  { clock, logger, lifecycle }: ServiceDeps,
): Promise<{ readonly door: MetricDoor; readonly scraper: Scraper }> {
  const { spool, rules, mappings, counters, recorder } = parts;
  const nowMs = (): number => clock.nowMs();
  const everyMs = Math.min(config.DRIFTMEND_SCRAPE_SECONDS, 300) * 1000;
  const { DRIFTMEND_SCRAPE: setting } = config;
  const targets: Targets =
    setting === undefined
      ? { endpoints: [], local: [] }
      : readTargets(setting, {
          ...{ everyMs, host: hostname() },
          presets: mappings.ofMetrics(null).map(({ name }) => name),
        });
  const isTaken = (digest: string): boolean => spool.digests.has(digest);
  const book = await BaselineBook.open(config.DRIFTMEND_SPOOL_DIR, nowMs(), isTaken);
  const retentionMs = config.DRIFTMEND_EVENT_AGE_DAYS_MAX * DAY_MS;
  const intake = new MetricIntake({
    ...{ book, spool, recorder, counters, clock, retentionMs, intake: parts.intake },
  });
  lifecycle.defer("counters of model servers", () => intake.close());
  lifecycle.defer(
    "counters of servers that are gone",
    clock.every(PRUNE_PERIOD_MS, () => intake.prune()),
  );
  const byPreset = new Map<string | null, MetricMappings>();
  const mappingsOf = (preset: string | null): MetricMappings => {
    const known = byPreset.get(preset) ?? new MetricMappings(mappings.ofMetrics(preset));
    byPreset.set(preset, known);
    return known;
  };
  const endpoints = (): readonly ScrapeTarget[] => {
    if (config.DRIFTMEND_SCRAPE_DOCUMENTS === "off") return targets.endpoints;
    const own = new Set(targets.endpoints.map(({ url }) => url));
    const ofDocuments = targetsOfDocuments(rules.all(), everyMs).filter(
      ({ url }) => !own.has(url) && parts.scrapeOwner.isOurs(url, spool.id),
    );
    return [...targets.endpoints, ...ofDocuments];
  };
  const scraper = new Scraper({
    ...{ intake, counters, clock, logger, endpoints, mappingsOf, procRoot: PROC },
    local: targets.local,
  });
  lifecycle.defer("readings of model servers", () => scraper.stop());
  const door = new MetricDoor({
    ...{ intake, rules, counters, nowMs, mappings: mappingsOf(null) },
    reader: new MetricsReader(recorder.frame.interner),
  });
  return { door, scraper };
}

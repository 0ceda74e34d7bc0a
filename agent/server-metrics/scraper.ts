/**
 * Reads every endpoint when its time has come, each on its own: one that is slow, gone or talks nonsense costs its own
 * samples only, and is shown with the reason.
 */
import { createHash } from "node:crypto";
import { describeError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { AgentCounters } from "../agent-counters.ts";
import { pointsOfExposition } from "./exposition-points.ts";
import { fetchExposition } from "./fetch-exposition.ts";
import { readGpus, readProcesses } from "./local-figures.ts";
import type { MetricMappings, Reading } from "./map-points.ts";
import type { MetricIntake } from "./metric-intake.ts";
import type { Origin } from "./plan-samples.ts";
import { readExposition } from "./prometheus-text.ts";
import type { LocalTarget, ScrapeTarget } from "./targets.ts";

export interface ScraperDeps {
  readonly intake: MetricIntake;
  readonly counters: AgentCounters;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is to be read now; may change. */
  readonly endpoints: () => readonly ScrapeTarget[];
  readonly local: readonly LocalTarget[];
  readonly mappingsOf: (preset: string | null) => MetricMappings;
  /** Where processes are looked up. */
  readonly procRoot: string;
}

/** A target as `GET /api/v1/self` shows it. */
export interface TargetState {
  readonly target: string;
  readonly preset: string | null;
  readonly models: readonly string[];
  readonly up: boolean;
  readonly lastReadMs: number | null;
  readonly samples: number;
  /** Readings in a row that failed. */
  readonly failures: number;
  readonly error: string | null;
}

interface Job {
  readonly name: string;
  readonly key: string;
  readonly everyMs: number;
  readonly read: () => Promise<readonly Reading[]>;
  readonly target: ScrapeTarget | LocalTarget;
}

interface Held {
  dueMs: number;
  running: boolean;
  state: TargetState;
}

const TICK_MS = 250;

export class Scraper {
  private readonly deps: ScraperDeps;
  private readonly held = new Map<string, Held>();
  private readonly work = new Set<Promise<void>>();
  private stopTicking: () => void = () => undefined;

  constructor(deps: ScraperDeps) {
    this.deps = deps;
  }

  start(): void {
    this.stopTicking = this.deps.clock.every(TICK_MS, () => this.tick());
  }

  async stop(): Promise<void> {
    this.stopTicking();
    await Promise.all(this.work);
  }

  states(): readonly TargetState[] {
    return [...this.held.values()].map(({ state }) => state);
  }

  /** Begins what is due; at most so many at a time, the rest with the next tick. */
  private tick(): void {
    const nowMs = this.deps.clock.monotonicMs();
    const jobs = this.jobs();
    const names = new Set(jobs.map(({ key }) => key));
    for (const [key, held] of this.held)
      if (!names.has(key) && !held.running) this.held.delete(key);
    for (const job of jobs) {
      const held = this.heldOf(job, nowMs);
      if (held.running || held.dueMs > nowMs || this.work.size >= LIMITS.scrapesAtOnceMax) continue;
      held.running = true;
      held.dueMs = Math.max(held.dueMs + job.everyMs, nowMs + job.everyMs / 2);
      const reading = this.read(job, held).finally(() => {
        held.running = false;
        this.work.delete(reading);
      });
      this.work.add(reading);
    }
  }

  private jobs(): readonly Job[] {
    const { endpoints, local, procRoot, mappingsOf } = this.deps;
    const ofEndpoint = (target: ScrapeTarget): Job => ({
      ...{ name: target.url, key: `scrape ${target.url}`, everyMs: target.everyMs, target },
      read: async () => {
        const mappings = mappingsOf(target.preset);
        const text = await fetchExposition(target.url, target.tokenFile);
        const points = pointsOfExposition(readExposition(text), (name) => mappings.asksFor(name));
        return points.flatMap((point) => mappings.readingsOf(point));
      },
    });
    const ofLocal = (target: LocalTarget): Job => {
      const name = nameOfLocal(target);
      return {
        ...{ name, key: `local ${name} ${target.models.join(" ")}`, target },
        everyMs: target.everyMs,
        read: async () => [
          ...(target.process === null ? [] : await readProcesses(target.process, procRoot)),
          ...(target.gpus === null ? [] : await readGpus(target.gpus)),
        ],
      };
    };
    return [...endpoints().map(ofEndpoint), ...local.map(ofLocal)];
  }

  private heldOf({ key, name, everyMs, target }: Job, nowMs: number): Held {
    const known = this.held.get(key);
    if (known !== undefined) return known;
    const { models } = target;
    const preset = "preset" in target ? target.preset : null;
    // Not all in the same moment; the first soon, so that who has just set it up sees it.
    const spread = Number.parseInt(createHash("sha256").update(key).digest("hex").slice(0, 6), 16);
    const held: Held = {
      dueMs: nowMs + (spread / 0xffffff) * Math.min(everyMs, 2_000),
      running: false,
      state: {
        ...{ target: name, preset, models, up: false, lastReadMs: null },
        ...{ samples: 0, failures: 0, error: null },
      },
    };
    this.held.set(key, held);
    return held;
  }

  private async read(job: Job, held: Held): Promise<void> {
    const { counters, clock, logger } = this.deps;
    const { models: known } = held.state;
    try {
      const readings = await job.read();
      const models = modelsOf(job.target, readings, known);
      const rows = await this.take(job, models, [...renamed(job.target, readings), UP(1)]);
      counters.scrapes("read");
      held.state = {
        ...{ ...held.state, models, up: true, lastReadMs: clock.nowMs() },
        ...{ samples: rows, failures: 0, error: null },
      };
    } catch (error) {
      counters.scrapes("failed");
      if (held.state.failures === 0) {
        logger.warn({ err: error, target: job.name }, "metrics of a model server cannot be read");
      }
      const failures = held.state.failures + 1;
      held.state = { ...held.state, up: false, failures, error: describeError(error) };
      // That it was down is a sample too; where the disk is why, there is room for nothing.
      await this.take(job, known, [UP(0)], false).catch(() => undefined);
    }
  }

  /** @returns how many samples it was */
  private async take(
    { key, target }: Job,
    models: readonly string[],
    readings: readonly Reading[],
    isWhole = true,
  ): Promise<number> {
    const { intake, clock } = this.deps;
    const source = "url" in target ? "scrape" : "local";
    const nowMs = clock.nowMs();
    const origin: Origin = {
      // A reading that failed says nothing of when all was read.
      key: isWhole ? key : `${key} down`,
      ...{ source, instance: target.instance, models, version: target.version },
      ...{ nowMs, isWhole, readings },
    };
    const digest = intake.digestOf(Buffer.from(JSON.stringify([key, nowMs, readings])));
    const { taken } = await intake.take(digest, [origin]);
    return taken.kind === "taken" ? taken.outcome.serverMetrics : 0;
  }
}

const UP = (value: 0 | 1): Reading => ({
  ...{ series: "", model: null, version: "", measure: "up", part: "" },
  ...{ timeMs: 0, startMs: 0, temporality: "cumulative" },
  taken: { kind: "level", value },
});

/** Whose figures those of the whole server are: who was named in the settings, else who is served. */
function modelsOf(
  { models }: ScrapeTarget | LocalTarget,
  readings: readonly Reading[],
  known: readonly string[],
): readonly string[] {
  if (models.length > 0) return models;
  const named = new Set(readings.flatMap(({ model }) => model ?? []));
  // A server that has just begun may say nothing of its models yet.
  return named.size > 0 ? [...named].slice(0, LIMITS.modelsPerServerMax) : known;
}

/** A server of one model may call it by another name than its document does. */
function renamed(
  { models }: ScrapeTarget | LocalTarget,
  readings: readonly Reading[],
): readonly Reading[] {
  const [only] = models;
  const named = new Set(readings.flatMap(({ model }) => model ?? []));
  if (models.length !== 1 || only === undefined || named.size !== 1) return readings;
  return readings.map((reading) =>
    reading.model === null ? reading : { ...reading, model: only },
  );
}

function nameOfLocal({ process: of, gpus }: LocalTarget): string {
  const parts = [
    ...(of === null ? [] : ["pid" in of ? `process ${of.pid}` : `processes "${of.command}"`]),
    ...(gpus === null ? [] : [`GPUs ${gpus === "all" ? gpus : gpus.join(", ")}`]),
  ];
  return parts.join(" and ");
}

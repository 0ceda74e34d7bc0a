/**
 * Which endpoints an agent reads, and which figures of its own machine: from its settings, and for models whose
 * onboarding document says `service.metrics`. Pure but for reading the file.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { Duration } from "../../contract/duration.ts";
import { LIMITS } from "../../contract/limits.ts";

const Models = z
  .union([z.string().min(1), z.array(z.string().min(1)).max(LIMITS.modelsPerServerMax)])
  .transform((given) => [given].flat());
const Period = Duration.refine(
  (ms) => ms >= LIMITS.scrapePeriodMsMin && ms <= LIMITS.scrapePeriodMsMax,
  "expected between 1s and 5m",
);

const TargetEntry = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  /** Name of a mapping; all that ask for one of its metrics where absent. */
  preset: z.string().optional(),
  /** Of figures that name none. */
  model: Models.optional(),
  version: z.string().optional(),
  /** Host and port of the address where absent. */
  instance: z.string().optional(),
  every: Period.optional(),
  /** File with the token of `Authorization: Bearer`, read each time. */
  token_file: z.string().optional(),
});

const LocalEntry = z.strictObject({
  model: Models,
  version: z.string().optional(),
  instance: z.string().optional(),
  every: Period.optional(),
  /** Processes whose command line holds this text, with all of its copies; or one by its number. */
  command: z.string().min(3).optional(),
  pid: z.int().min(1).optional(),
  /** GPUs by number as nvidia-smi counts them; none where absent. */
  gpus: z.union([z.literal("all"), z.array(z.int().min(0)).min(1)]).optional(),
});

const ScrapeFile = z.strictObject({
  targets: z.array(TargetEntry).max(LIMITS.scrapeTargetsMax).prefault([]),
  local: z.array(LocalEntry).max(LIMITS.scrapeTargetsMax).prefault([]),
});

export interface ScrapeTarget {
  readonly url: string;
  readonly preset: string | null;
  readonly models: readonly string[];
  readonly version: string;
  readonly instance: string;
  readonly everyMs: number;
  readonly tokenFile: string | null;
}

export interface LocalTarget {
  readonly models: readonly string[];
  readonly version: string;
  readonly instance: string;
  readonly everyMs: number;
  readonly process: { readonly command: string } | { readonly pid: number } | null;
  readonly gpus: "all" | readonly number[] | null;
}

export interface Targets {
  readonly endpoints: readonly ScrapeTarget[];
  readonly local: readonly LocalTarget[];
}

export interface TargetDefaults {
  readonly everyMs: number;
  /** Name of this machine. */
  readonly host: string;
  /** Names of the mappings that there are. */
  readonly presets: readonly string[];
}

/**
 * @param setting addresses by commas, each with or without `preset=` before it; or the path of a YAML file
 * @throws {DriftmendError} scrape_targets_invalid
 */
export function readTargets(setting: string, defaults: TargetDefaults): Targets {
  const isInline = setting.includes("://");
  const given: unknown = isInline
    ? { targets: setting.split(",").map(inlineTarget) }
    : read(setting);
  const parsed = ScrapeFile.safeParse(given);
  const where = isInline ? "DRIFTMEND_SCRAPE" : setting;
  if (!parsed.success) throw invalid(where, z.prettifyError(parsed.error), parsed.error);
  for (const { preset } of parsed.data.targets) {
    if (preset === undefined || defaults.presets.includes(preset)) continue;
    const known = defaults.presets.join(", ");
    throw invalid(where, `there is no preset "${preset}", only ${known}`, null);
  }
  return {
    endpoints: parsed.data.targets.map((entry) => ({
      url: entry.url,
      preset: entry.preset ?? null,
      models: entry.model ?? [],
      version: entry.version ?? "",
      instance: entry.instance ?? new URL(entry.url).host,
      everyMs: entry.every ?? defaults.everyMs,
      tokenFile: entry.token_file ?? null,
    })),
    local: parsed.data.local.map((entry) => ({
      models: entry.model,
      version: entry.version ?? "",
      instance: entry.instance ?? defaults.host,
      everyMs: entry.every ?? defaults.everyMs,
      process:
        entry.pid !== undefined
          ? { pid: entry.pid }
          : entry.command === undefined
            ? null
            : { command: entry.command },
      gpus: entry.gpus ?? null,
    })),
  };
}

/** Endpoints of documents, one for each address, whatever many models name it. */
export function targetsOfDocuments(
  documents: Iterable<
    readonly [string, { readonly service?: { readonly metrics?: string | undefined } | undefined }]
  >,
  everyMs: number,
): readonly ScrapeTarget[] {
  const byUrl = new Map<string, string[]>();
  for (const [model, { service }] of documents) {
    const url = service?.metrics;
    if (url === undefined || !/^https?:$/.test(URL.parse(url)?.protocol ?? "")) continue;
    byUrl.set(url, [...(byUrl.get(url) ?? []), model]);
  }
  return [...byUrl].slice(0, LIMITS.scrapeTargetsMax).map(([url, models]) => ({
    ...{ url, preset: null, models, version: "" },
    ...{ instance: new URL(url).host, everyMs, tokenFile: null },
  }));
}

function inlineTarget(text: string): { url: string; preset?: string } {
  const found = /^\s*(?:([\w-]+)=)?(\S+)\s*$/.exec(text);
  const [, preset, url = ""] = found ?? [];
  return preset === undefined ? { url } : { url, preset };
}

function read(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw invalid(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function invalid(where: string, state: string, cause: unknown): DriftmendError {
  return new DriftmendError("scrape_targets_invalid", {
    retry: "never",
    message: `Cannot read metrics of model servers as "${where}" says: ${state}`,
    next: "docs/operations.md shows both forms: addresses by commas, or a file of targets.",
    cause,
  });
}

/** The file of `--config`: YAML with a section per service, whose keys are that service's settings. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { SERVICES } from "./upstream-of.ts";

export type SettingsByService = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface UpSettings {
  readonly byService: SettingsByService;
  /** Days that tables are kept, where they differ from the defaults. */
  readonly retentionDays: Readonly<Record<string, number>>;
}

const Value = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const SECTIONS = [...SERVICES, "store"] as const;
const SettingsFile = z.strictObject({
  ...Object.fromEntries(
    SECTIONS.map((name) => [name, z.record(z.string(), Value).optional()] as const),
  ),
  retention: z.record(z.string(), z.int().min(1)).optional(),
});

/**
 * Settings as environment variables: `spool_dir` and `DRIFTMEND_SPOOL_DIR` are the same. Whether a
 * service knows them, and their values, it checks itself.
 * @throws {DriftmendError} config_invalid
 */
export function readSettingsFile(path: string): UpSettings {
  let raw: unknown;
  try {
    raw = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw invalid(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const parsed = SettingsFile.safeParse(raw ?? {});
  if (!parsed.success) throw invalid(path, z.prettifyError(parsed.error), parsed.error);
  const { retention, ...sections } = parsed.data;
  const byService = Object.fromEntries(
    Object.entries(z.record(z.string(), z.record(z.string(), z.string())).parse(sections)).map(
      ([service, settings]) => [
        service,
        Object.fromEntries(
          Object.entries(settings).map(([name, value]) => [environmentName(name), value]),
        ),
      ],
    ),
  );
  return { byService, retentionDays: retention ?? {} };
}

function environmentName(name: string): string {
  const upper = name.toUpperCase();
  return upper.startsWith("DRIFTMEND_") ? upper : `DRIFTMEND_${upper}`;
}

function invalid(path: string, state: string, cause: unknown): DriftmendError {
  return new DriftmendError("config_invalid", {
    retry: "never",
    message: `Cannot use "${path}" as settings by service: ${state}`,
    next: `Its sections are ${[...SECTIONS, "retention"].join(", ")}; docs/configuration.md lists their settings.`,
    cause,
  });
}

/** Later ones win, setting by setting. */
export function mergeSettings(...all: readonly SettingsByService[]): SettingsByService {
  const merged: Record<string, Record<string, string>> = {};
  for (const settings of all) {
    for (const [service, values] of Object.entries(settings)) {
      merged[service] = { ...merged[service], ...values };
    }
  }
  return merged;
}

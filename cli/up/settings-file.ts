/** The file of `--config`: YAML with a section per service, whose keys are that service's settings. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { SERVICES } from "./upstream-of.ts";

export type SettingsByService = Readonly<Record<string, Readonly<Record<string, string>>>>;

const Value = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const SettingsFile = z.partialRecord(z.enum([...SERVICES, "store"]), z.record(z.string(), Value));

/**
 * Settings as environment variables: `batch_rows` and `DRIFTMEND_BATCH_ROWS` are the same. Whether a
 * service knows them, and their values, it checks itself.
 * @throws {DriftmendError} config_invalid
 */
export function readSettingsFile(path: string): SettingsByService {
  let raw: unknown;
  try {
    raw = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw invalid(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const parsed = SettingsFile.safeParse(raw ?? {});
  if (!parsed.success) throw invalid(path, z.prettifyError(parsed.error), parsed.error);
  return Object.fromEntries(
    Object.entries(parsed.data).map(([service, settings]) => [
      service,
      Object.fromEntries(
        Object.entries(settings).map(([name, value]) => [environmentName(name), value]),
      ),
    ]),
  );
}

function environmentName(name: string): string {
  const upper = name.toUpperCase();
  return upper.startsWith("DRIFTMEND_") ? upper : `DRIFTMEND_${upper}`;
}

function invalid(path: string, state: string, cause: unknown): DriftmendError {
  return new DriftmendError("config_invalid", {
    retry: "never",
    message: `Cannot use "${path}" as settings by service: ${state}`,
    next: `Its sections are ${[...SERVICES, "store"].join(", ")}; docs/configuration.md lists their settings.`,
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

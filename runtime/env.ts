/**
 * Configuration of a process: one flat zod schema of environment variables, an optional file beside it,
 * and one error that lists everything wrong at once. The only place that reads the environment.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { parse } from "yaml";
import { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process, handed in once by an entry point. */
export function processEnvironment(): Environment {
  return process.env;
}

/** Settings that the command line gave, for the service that starts in this process. */
export function giveEnvironment(settings: Readonly<Record<string, string>>): void {
  Object.assign(process.env, settings);
}

/**
 * Parses `schema` from the environment; variables beat the YAML file named by `DRIFTMEND_CONFIG`, whose
 * keys are the same names (`DRIFTMEND_` may be left out, case does not matter).
 * @throws {DriftmendError} config_invalid with one line per bad variable
 */
export function parseConfig<S extends z.ZodObject>(schema: S, env: Environment): z.output<S> {
  const file = env["DRIFTMEND_CONFIG"];
  const fromFile = file === undefined || file === "" ? {} : readConfigFile(file);
  const input: Record<string, string> = {};
  const unknownKeys = new Set(Object.keys(fromFile));
  for (const name of Object.keys(schema.shape)) {
    const short = name.replace(/^DRIFTMEND_/, "").toLowerCase();
    const key = [name.toLowerCase(), short].find((candidate) => candidate in fromFile);
    if (key !== undefined) unknownKeys.delete(key);
    const value = env[name] ?? (key === undefined ? undefined : fromFile[key]);
    if (value !== undefined && value !== "") input[name] = value;
  }
  const parsed = schema.safeParse(input);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => {
        const name = issue.path.join(".");
        return `${name}: ${issue.message}: "${input[name] ?? ""}"`;
      });
  for (const key of unknownKeys) problems.push(`${key}: not a setting of this service ("${file}")`);
  if (problems.length > 0 || !parsed.success) {
    throw new DriftmendError("config_invalid", {
      retry: "never",
      message: `Cannot start as every setting must be valid:\n  ${problems.join("\n  ")}`,
      next: "Correct these variables or the file; docs/configuration.md lists them all.",
    });
  }
  return parsed.data;
}

function readConfigFile(path: string): Record<string, string> {
  // Loaded where there is a file: commands, which have none, start a tenth of a second sooner.
  const { parse: parseYaml } = createRequire(import.meta.url)("yaml") as {
    parse: typeof parse;
  };
  let parsed: unknown;
  try {
    parsed = parseYaml(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new DriftmendError("config_invalid", {
      retry: "never",
      message: `Cannot read the configuration file "${path}" as YAML: ${String(cause)}`,
      next: "Correct the file or unset DRIFTMEND_CONFIG.",
      cause,
    });
  }
  const entries = typeof parsed === "object" && parsed !== null ? Object.entries(parsed) : [];
  return Object.fromEntries(entries.map(([key, value]) => [key.toLowerCase(), String(value)]));
}

/** A whole number given as text, which must be there. */
export const givenNumber = z.string().regex(/^\d+$/, "expected a whole number").transform(Number);

/** A whole number ≥ `min` given as text; "" is absent, "5x" and "1e3" are refused. */
export function wholeNumber(defaultValue: number, min = 0) {
  return z
    .string()
    .regex(/^\d+$/, "expected a whole number")
    .prefault(String(defaultValue))
    .transform(Number)
    .refine((value) => value >= min, `expected at least ${min}`);
}

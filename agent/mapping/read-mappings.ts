/** Mappings from files: those that ship, and those that a user adds, checked with the place of what is wrong. */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { type Mapping, MappingFile } from "../../contract/mapping.ts";

const SHIPPED = join(import.meta.dirname, "vocabularies");

export const shippedMappings = (): readonly Mapping[] => readMappings(SHIPPED);

/**
 * One YAML or JSON file, or all of a folder by name.
 * @throws {DriftmendError} mapping_invalid
 */
export function readMappings(path: string): readonly Mapping[] {
  return filesOf(path).flatMap((file) => {
    let raw: unknown;
    try {
      raw = parse(readFileSync(file, "utf8"));
    } catch (cause) {
      throw mappingInvalid(file, cause instanceof Error ? cause.message : String(cause), cause);
    }
    const parsed = MappingFile.safeParse(raw);
    if (!parsed.success) throw mappingInvalid(file, z.prettifyError(parsed.error), parsed.error);
    return parsed.data.mappings;
  });
}

function filesOf(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => /^[^.].*\.(?:ya?ml|json)$/.test(name))
      .toSorted()
      .map((name) => join(path, name));
  } catch (cause) {
    throw mappingInvalid(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function mappingInvalid(path: string, state: string, cause: unknown): DriftmendError {
  return new DriftmendError("mapping_invalid", {
    retry: "never",
    message: `Cannot use "${path}" as a file of mappings: ${state}`,
    next: 'docs/mapping.md shows the format; "driftmend map test" tries a file on a recorded payload.',
    cause,
  });
}

/** The version of this program, as its package.json has it. Loads nothing, since `--help` waits for it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./places.ts";

export function version(): string {
  const parsed: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const known = typeof parsed === "object" && parsed !== null && "version" in parsed;
  return known ? String(parsed.version) : "unknown";
}

import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

const assets = resolve(import.meta.dirname, "../../console/dist/assets");
const SCRIPT_BYTES_MAX = 300_000;

it("the page's script weighs at most 300 kB gzipped", () => {
  const scripts = globSync("*.js", { cwd: assets });
  expect(scripts).not.toEqual([]);
  const bytes = scripts.map((name) => gzipSync(readFileSync(join(assets, name))).length);
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(SCRIPT_BYTES_MAX);
});

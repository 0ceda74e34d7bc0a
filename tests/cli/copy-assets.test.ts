import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";

const root = resolve(import.meta.dirname, "..", "..");
const target = mkdtempSync(join(tmpdir(), "driftmend-assets-"));
afterEach(() => rmSync(target, { recursive: true, force: true }));

it("the build carries the migrations, the trainer's wrapper and the mappings, which the compiler leaves out", () => {
  const { scripts } = z
    .object({ scripts: z.object({ build: z.string() }) })
    .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  expect(scripts.build).toContain("node cli/bootstrap/copy-assets.mjs");
  spawnSync(process.execPath, [join(root, "cli", "bootstrap", "copy-assets.mjs"), target]);
  const migrations = readdirSync(join(root, "store", "migrations"));
  expect(readdirSync(join(target, "store", "migrations"))).toEqual(migrations);
  expect(readdirSync(join(target, "retrainer", "executor"))).toEqual(["run-trainer.sh"]);
  expect(readdirSync(join(target, "agent", "mapping", "vocabularies"))).toContain("gen-ai.yaml");
});

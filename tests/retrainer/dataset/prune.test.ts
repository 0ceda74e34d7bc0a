import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pruneModelFolder } from "../../../retrainer/dataset/prune.ts";

test("old data sets go with the parts that only they linked, those of versions stay", async () => {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-prune-"));
  mkdirSync(join(folder, "parts"));
  for (const [age, name] of ["new", "middle", "of-a-version", "old"].entries()) {
    const dataset = join(folder, "datasets", name);
    mkdirSync(join(dataset, "train"), { recursive: true });
    writeFileSync(join(folder, "parts", `${name}.parquet`), name);
    writeFileSync(join(folder, "parts", `${name}.json`), "{}");
    linkSync(join(folder, "parts", `${name}.parquet`), join(dataset, "train", "part.parquet"));
    utimesSync(dataset, 1_000_000 - age, 1_000_000 - age);
  }
  const keep = new Set([join(folder, "datasets", "of-a-version")]);
  expect(await pruneModelFolder(folder, keep, 4)).toBe(0);
  expect(await pruneModelFolder(folder, keep, 2)).toBe(2);
  expect(readdirSync(join(folder, "datasets")).sort()).toEqual(["middle", "new", "of-a-version"]);
  expect(readdirSync(join(folder, "parts")).filter((name) => name.endsWith(".json"))).toEqual([
    "middle.json",
    "new.json",
    "of-a-version.json",
  ]);
  rmSync(folder, { recursive: true });
});

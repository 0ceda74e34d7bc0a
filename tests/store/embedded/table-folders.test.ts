import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { TableFolders } from "../../../store/embedded/table-folders.ts";

const engine = mkdtempSync(join(tmpdir(), "driftmend-table-folders-"));
afterEach(() => rmSync(engine, { recursive: true, force: true }));

it("fsyncs the folders of tables that changed, those that changed just now each time, and forgets dropped ones", async () => {
  const table = (name: string): string => join(engine, "store", name.slice(0, 3), name);
  for (const name of ["aaa1", "aaa2", "bbb1"]) mkdirSync(table(name), { recursive: true });
  const old = new Date(1_000_000);
  for (const name of ["aaa1", "aaa2", "bbb1"]) utimesSync(table(name), old, old);
  let synced: string[] = [];
  const folders = new TableFolders(engine, { nowMs: () => Date.now() }, async (folder) => {
    synced.push(basename(folder));
  });
  const settle = async (): Promise<string[]> => {
    synced = [];
    await folders.settle();
    return synced.toSorted();
  };
  expect(await settle()).toEqual(["aaa1", "aaa2", "bbb1"]);
  expect(await settle()).toEqual([]);

  writeFileSync(join(table("aaa2"), "a part"), "");
  expect(await settle()).toEqual(["aaa2"]);
  // It may have changed again within the same step of the clock of files.
  expect(await settle()).toEqual(["aaa2"]);

  const later = new Date(2_000_000);
  utimesSync(table("bbb1"), later, later);
  rmSync(table("aaa2"), { recursive: true });
  expect(await settle()).toEqual(["bbb1"]);
  expect(await settle()).toEqual([]);
});

it("has nothing to do in an empty directory", async () => {
  await expect(new TableFolders(join(engine, "none"), { nowMs: () => 0 }).settle()).resolves.toBe(
    undefined,
  );
});

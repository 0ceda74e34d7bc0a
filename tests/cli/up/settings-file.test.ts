import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { mergeSettings, readSettingsFile } from "../../../cli/up/settings-file.ts";

let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-settings-"));
  file = join(folder, "driftmend.yaml");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("a section per service becomes environment variables, and days by table", () => {
  writeFileSync(
    file,
    "agent: { spool_bytes_max: 1000 }\nstore: { DRIFTMEND_STORE_MEMORY_MIB: 900 }\nretention: { predictions: 30 }\n",
  );
  expect(readSettingsFile(file)).toEqual({
    byService: {
      agent: { DRIFTMEND_SPOOL_BYTES_MAX: "1000" },
      store: { DRIFTMEND_STORE_MEMORY_MIB: "900" },
    },
    retentionDays: { predictions: 30 },
  });
  writeFileSync(file, "");
  expect(readSettingsFile(file)).toEqual({ byService: {}, retentionDays: {} });
});

it("what is no section, no file, or no YAML is said", () => {
  writeFileSync(file, "agents: {}\n");
  expect(() => readSettingsFile(file)).toThrow(
    /Cannot use ".*driftmend\.yaml" as settings.*agents/s,
  );
  writeFileSync(file, "agent: [1\n");
  expect(() => readSettingsFile(file)).toThrow("Cannot use");
  expect(() => readSettingsFile(join(folder, "none.yaml"))).toThrow("ENOENT");
});

it("later settings beat earlier ones, one by one", () => {
  expect(
    mergeSettings({ agent: { A: "1", B: "1" } }, { agent: { B: "2" }, store: { C: "3" } }),
  ).toEqual({ agent: { A: "1", B: "2" }, store: { C: "3" } });
});

/** Who may open a data directory, and what is said to the others. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DIRECTORY_FORMAT, decideOpening } from "../../../store/embedded/data-directory.ts";
import { spawnStore, startEmbeddedEngine } from "../../support/embedded-engine.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-data-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const settings = (dataDirectory: string): Record<string, string> => ({
  DRIFTMEND_STORE_DATA: dataDirectory,
  DRIFTMEND_STORE_PASSWORD: "a-long-enough-password",
  DRIFTMEND_STORE_PORT: "0",
});

describe("the store's process ends with code 78 and says what to do", () => {
  it("when another process uses the data directory, which goes on undisturbed", async () => {
    await using engine = await startEmbeddedEngine();
    await expect(spawnStore(settings(engine.dataDirectory))).rejects.toThrow(
      /ended with 78[^]*only one process may use it[^]*data_directory_in_use[^]*Stop the other process/,
    );
    expect(await engine.client.ping()).toEqual({ success: true });
  });

  it("when a newer version wrote it", async () => {
    const content = { format: DIRECTORY_FORMAT + 1, engine: "26.7.2.1" };
    writeFileSync(join(folder, "format.json"), JSON.stringify(content));
    await expect(spawnStore(settings(folder))).rejects.toThrow(
      /ended with 78[^]*written by a newer version[^]*data_directory_newer/,
    );
  });

  it("when its format cannot be read", async () => {
    writeFileSync(join(folder, "format.json"), "{");
    await expect(spawnStore(settings(folder))).rejects.toThrow(/78[^]*data_directory_unusable/);
  });

  it("when it is no directory", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(spawnStore(settings(join(folder, "file")))).rejects.toThrow(
      /78[^]*data_directory_unusable/,
    );
  });

  it("when its port is taken", async () => {
    await using engine = await startEmbeddedEngine();
    const taken = { ...settings(folder), DRIFTMEND_STORE_PORT: new URL(engine.url).port };
    await expect(spawnStore(taken)).rejects.toThrow(/78[^]*port_in_use/);
  });

  it("when its environment lacks what cannot be set later", async () => {
    await expect(spawnStore({ ...settings(folder), UV_THREADPOOL_SIZE: "4" })).rejects.toThrow(
      /78[^]*UV_THREADPOOL_SIZE is 4[^]*store_environment_wrong/,
    );
    await expect(spawnStore({ ...settings(folder), TZ: "Asia/Tokyo" })).rejects.toThrow(
      /TZ is .*Asia/,
    );
  });
});

it("a stopped or killed process leaves its directory to the next, with all data", async () => {
  mkdirSync(folder, { recursive: true });
  await using engine = await startEmbeddedEngine({ dataDirectory: folder });
  await engine.client.command({ query: "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a" });
  await engine.client.command({ query: "INSERT INTO t VALUES (1)" });
  expect(await engine.stop()).toBe(0);
  await engine.restart();
  await engine.client.command({ query: "INSERT INTO t VALUES (2)" });
  await engine.kill();
  await engine.restart();
  const result = await engine.client.query({
    query: "SELECT toUInt8(sum(a)) AS s FROM t",
    format: "JSONEachRow",
  });
  expect(await result.json()).toEqual([{ s: 3 }]);
});

describe("the decision", () => {
  it.each([
    [undefined, "new"],
    [{ format: 1, engine: "26.7.2.1" }, "known"],
    [{ format: 1, engine: "26.7.9.9" }, "known"],
    [{ format: 1, engine: "25.12.1.1" }, "known"],
    [{ format: 2, engine: "26.7.2.1" }, "refused"],
    [{ format: 1, engine: "26.8.1.1" }, "refused"],
    [{ format: 1, engine: "27.1.1.1" }, "refused"],
  ])("about %j is %s", (written, kind) => {
    expect(decideOpening(written, 1, "26.7.2.1").kind).toBe(kind);
  });
});

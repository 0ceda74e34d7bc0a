/** What an insert's answer is worth after a power cut, parts that were merged since included. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Random } from "../../../runtime/random.ts";
import { cutPower } from "../../crash/power/cut-power.ts";
import { compileFsyncLog } from "../../crash/power/fsync-log.ts";
import { startEmbeddedEngine } from "../../support/embedded-engine.ts";

/** Everything that was not fsynced is gone, every rename that can be undone is undone. */
const WORST: Random = { next: () => 0, integer: () => 0 };
const INSERTS = 5;

const folder = mkdtempSync(join(tmpdir(), "driftmend-power-cut-"));
const library = compileFsyncLog(folder);

it.skipIf(library === null)(
  "takes no row whose parts were merged, since those that the merged one covers are still there",
  async () => {
    const log = join(folder, "store.fsync-log");
    const env = { LD_PRELOAD: library ?? "", FSYNC_LOG: log };
    await using engine = await startEmbeddedEngine({ env });
    const command = (query: string) => engine.client.command({ query });
    await command(
      "CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a SETTINGS fsync_after_insert = 1, fsync_part_directory = 1",
    );
    await new Promise((done) => setTimeout(done, 50));
    const settledBeforeMs = Date.now();
    for (let a = 0; a < INSERTS; a++) {
      await engine.client.insert({ table: "t", values: [{ a }], format: "JSONEachRow" });
    }
    await command("OPTIMIZE TABLE t FINAL");
    await engine.kill();
    await engine.restart();
    await engine.kill();
    const cut = cutPower(engine.dataDirectory, log, { random: WORST, settledBeforeMs });
    expect(cut.filesLost).toBeGreaterThan(0);
    await engine.restart();
    const result = await engine.client.query({
      query: "SELECT toUInt32(count()) AS n FROM t",
      format: "JSONEachRow",
    });
    expect(await result.json()).toEqual([{ n: INSERTS }]);
    rmSync(folder, { recursive: true, force: true });
  },
);

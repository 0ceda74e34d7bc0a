/**
 * A disk that fills: a clear error, nothing acknowledged is lost, and work again once there is
 * room.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { storeError } from "../../../store/store-error.ts";
import { startEmbeddedEngine } from "../../support/embedded-engine.ts";

const folder = mkdtempSync(join(tmpdir(), "driftmend-small-disk-"));
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", folder]).status === 0;

afterAll(() => {
  if (mounted) spawnSync("umount", ["-l", folder]);
  rmSync(folder, { recursive: true, force: true });
});

// Needs the right to mount a small file system (root on Linux).
describe.skipIf(!mounted)(
  "a data directory on a disk of 64 MiB (skipped where mounting is not allowed)",
  () => {
    it("refuses what does not fit, keeps what it acknowledged, and goes on after space was freed", async () => {
      await using engine = await startEmbeddedEngine({
        dataDirectory: join(folder, "data"),
        env: { DRIFTMEND_STORE_TMPFS: "none" },
      });
      await engine.client.command({
        query:
          "CREATE TABLE t (g UInt32, s String CODEC(NONE)) ENGINE = MergeTree ORDER BY g SETTINGS non_replicated_deduplication_window = 1000",
      });
      const values = Array.from({ length: 2_000 }, (_, i) => ({
        g: 0,
        s: `${i}`.padEnd(1_000, "x"),
      }));
      const insert = (group: number): Promise<unknown> =>
        engine.client.insert({
          table: "t",
          values: values.map((row) => ({ ...row, g: group })),
          format: "JSONEachRow",
          clickhouse_settings: { insert_deduplication_token: `d/${group}` },
        });
      const groups = async (): Promise<unknown> => {
        const query =
          "SELECT toUInt32(g) AS g, toUInt32(count()) AS n FROM t GROUP BY g ORDER BY g";
        return (await engine.client.query({ query, format: "JSONEachRow" })).json();
      };
      const ballast = join(folder, "ballast");
      let stored = 0;
      for (; stored < 3; stored++) await insert(stored);
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize - 1_000_000));
      const refused: unknown = await insert(stored).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        type: expect.stringMatching(
          /NOT_ENOUGH_SPACE|CANNOT_WRITE_TO_FILE_DESCRIPTOR|CANNOT_FSYNC/,
        ),
        message: expect.stringMatching(/space/i),
      });
      expect(storeError("store a group", refused)).toMatchObject({
        retry: "later",
        next: expect.stringMatching(/^Free space on the disk of ClickHouse/),
      });
      const whole = Array.from({ length: stored }, (_, g) => ({ g, n: values.length }));
      expect(await groups()).toEqual(whole);
      await engine.kill();
      rmSync(ballast);
      await engine.restart();
      expect(await groups()).toEqual(whole);
      await insert(stored);
      expect(await groups()).toEqual([...whole, { g: stored, n: values.length }]);
    });
  },
);

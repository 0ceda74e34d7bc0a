/** What is full makes the agent refuse and exporters wait, and never makes it lose or need a hand. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { smallDisk } from "../support/small-disk.ts";
import { eventLines, framesIn, startAgentProcess, temporaryFolder } from "./agent-process.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

function rowsIn(folder: string): number {
  const sections = framesIn(folder).flatMap(({ header }) => header.sections);
  return sections.reduce((sum, { rows }) => sum + rows, 0);
}

describe("a full disk", () => {
  it("is answered with 503 and Retry-After, and the agent goes on by itself when there is space", async (context) => {
    const disk = smallDisk(4);
    if (disk === null) {
      context.skip("mounting a small file system needs root");
      return;
    }
    const { path } = disk;
    cleanups.push(disk.remove);
    const agent = await startAgentProcess(path);
    cleanups.push(() => agent.kill());
    const filler = join(path, "filler");
    writeFileSync(filler, Buffer.alloc(3 * 1024 * 1024));
    let accepted = 0;
    const send = async (round: number) => {
      const ids = Array.from({ length: 500 }, (_, i) => `${round}-${i}`);
      const answer = await agent.post("/v1/events", eventLines(ids));
      if (answer.status === 200) accepted += ids.length;
      return answer;
    };
    let refused = await send(0);
    for (let round = 1; refused.status === 200 && round < 100; round++) refused = await send(round);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("5");
    expect(await refused.json()).toMatchObject({ code: "disk_full" });
    expect(rowsIn(path)).toBe(accepted);
    expect((await send(1000)).status).toBe(503);
    rmSync(filler);
    expect((await send(1000)).status).toBe(200);
    await agent.kill();
    const again = await startAgentProcess(path);
    await again.stop();
    expect(rowsIn(path)).toBe(accepted);
  });
});

describe("a full spool", () => {
  it("refuses with 503 and Retry-After, keeps what it has, and says so in readiness", async () => {
    const { path, remove } = temporaryFolder();
    cleanups.push(remove);
    const agent = await startAgentProcess(path, { DRIFTMEND_SPOOL_BYTES_MAX: "20000" });
    cleanups.push(() => agent.kill());
    let accepted = 0;
    let answer = await agent.post("/v1/events", eventLines(["0"]));
    while (answer.status === 200) {
      accepted++;
      answer = await agent.post("/v1/events", eventLines([String(accepted)]));
    }
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: "spool_full" }]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    const otlp = await agent.post("/v1/logs", "{}", { "content-type": "application/json" });
    expect([otlp.status, await otlp.json()]).toMatchObject([503, { code: 14 }]);
    expect((await fetch(`${agent.url}/readyz`)).status).toBe(503);
    expect(rowsIn(path)).toBe(accepted);
    const known = await agent.post("/v1/events", eventLines(["0"]));
    expect(await known.json()).toMatchObject({ repeated: true });
  });
});

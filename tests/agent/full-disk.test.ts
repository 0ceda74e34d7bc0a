/** What is full makes the agent refuse and exporters wait, and never makes it lose or need a hand. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, afterEach, describe, expect, it } from "vitest";
import { subjects } from "../../contract/subjects.ts";
import { fillDisk, smallDisk } from "../support/small-disk.ts";
import { startTestNats } from "../support/test-nats.ts";
import { eventLines, framesIn, startAgentProcess, temporaryFolder } from "./agent-process.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

async function natsOfTest() {
  const server = await startTestNats();
  cleanups.push(() => server[Symbol.asyncDispose]());
  return { url: server.url, connection: server.nats };
}

function diskOf4Mb(context: TestContext): string {
  const disk = smallDisk(4) ?? context.skip("mounting a small file system needs root");
  cleanups.push(disk.remove);
  return disk.path;
}

function rowsIn(folder: string): number {
  const sections = framesIn(folder).flatMap(({ header }) => header.sections);
  return sections.reduce((sum, { rows }) => sum + rows, 0);
}

describe("a full disk", () => {
  it("is answered with 503 and Retry-After, and the agent goes on by itself when there is space", async (context) => {
    const path = diskOf4Mb(context);
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

describe("an agent that starts on a full disk", () => {
  it.for([
    { reserve: "its reserve is there", isGone: false },
    { reserve: "somebody else has taken its reserve", isGone: true },
  ])("publishes what it holds and makes room ($reserve)", async ({ isGone }, context) => {
    const path = diskOf4Mb(context);
    const folder = join(path, "agent");
    const first = await startAgentProcess(folder);
    let answer = await first.post("/v1/events", eventLines(["0"]));
    for (let sent = 0; answer.status === 200; sent++) {
      const ids = Array.from({ length: 500 }, (_, i) => `${sent}-${i}`);
      answer = await first.post("/v1/events", eventLines(ids));
    }
    await first.kill();
    if (isGone) rmSync(join(folder, "reserve"), { force: true });
    fillDisk(join(path, "filler"));
    const rows = rowsIn(folder);
    const frames = framesIn(folder);
    const spool = frames[0]?.header.spool ?? "";

    const nats = await natsOfTest();
    const again = await startAgentProcess(folder, { DRIFTMEND_NATS_URL: nats.url });
    cleanups.push(() => again.kill());
    const { connection } = nats;
    const storedThrough = frames.length;
    const many = eventLines(Array.from({ length: 500 }, (_, i) => `after-${i}`));
    expect((await again.post("/v1/events", many)).status).toBe(503);
    await expect
      .poll(
        async () => {
          connection.publish(subjects.stored(spool), { spool, shard: 0, storedThrough });
          return (await again.post("/v1/events", many)).status;
        },
        { timeout: 10_000 },
      )
      .toBe(200);
    expect(rows).toBeGreaterThan(1_000);
    await again.kill();
    // It remembers what is stored, also over the next start.
    const state = JSON.parse(readFileSync(join(folder, "spool.json"), "utf8"));
    expect(state).toMatchObject({ spool, storedThrough });
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

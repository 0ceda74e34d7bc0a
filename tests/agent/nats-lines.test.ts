/** Lines over NATS: one agent of several takes a message, and its reply says that it is on disk. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { type NatsServer, findNatsServer, startNatsServer } from "../../runtime/nats-server.ts";
import { type Nats, connectNats } from "../../runtime/nats.ts";
import { type AgentProcess, startAgentProcess, temporaryFolder, until } from "./agent-process.ts";
import { spooledRows } from "./capture-harness.ts";

const cleanups: (() => Promise<void> | void)[] = [];
let server: NatsServer;
let nats: Nats;
beforeEach(async () => {
  const { path, remove } = temporaryFolder();
  const binary = findNatsServer(processEnvironment());
  const maxPayloadBytes = LIMITS.natsPayloadBytesMax;
  const options = { binary, storeDir: path, port: 0, maxPayloadBytes };
  server = await startNatsServer(options, { clock: systemClock });
  nats = await connectNats({ url: server.url, name: "test" }, { logger: silentLogger });
  cleanups.push(
    remove,
    () => server.kill(),
    () => nats.close(),
  );
});
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

async function start(env: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder();
  cleanups.push(folder.remove);
  const agent = await startAgentProcess(folder.path, { DRIFTMEND_NATS_URL: server.url, ...env });
  cleanups.push(() => agent.kill());
  await until(async () => (await agent.self()).natsConnected, "the agent is connected");
  return { agent, folder: folder.path };
}

const Answer = z.looseObject({ accepted: z.number().optional() });
async function ask(subject: string, body: string): Promise<z.output<typeof Answer>> {
  const reply = await nats.connection.request(subject, body, { timeout: 5_000 });
  return Answer.parse(reply.json());
}
const line = (id: string): string => JSON.stringify({ model: "m.1", id, score: 0.5 });
const taken = async ({ agent }: { agent: AgentProcess }): Promise<number> =>
  (await agent.self()).totals["records.prediction"] ?? 0;

it("predictions and labels are on disk when they are answered, and repeated ones known", async () => {
  const { folder } = await start();
  expect(
    await ask("driftmend.v1.ingest.m%2E1", `${line("a")}\n${line("b")}\nno json`),
  ).toMatchObject({
    accepted: 2,
    rejected: 1,
    reasons: { record_invalid: 1 },
  });
  expect(spooledRows(folder, "predictions", "a")).toHaveLength(1);
  const label = JSON.stringify({ model: "m.1", id: "a", label: "yes" });
  expect(await ask("driftmend.v1.ingest.m%2E1.labels", label)).toMatchObject({ accepted: 1 });
  expect(spooledRows(folder, "labels", "a")).toMatchObject([{ label: "yes" }]);
  expect(await ask("driftmend.v1.ingest.m%2E1.labels", label)).toMatchObject({ repeated: true });
});

it("one of several agents takes each message", async () => {
  const agents = [await start(), await start()];
  for (let i = 0; i < 40; i++) await ask("driftmend.v1.ingest.m", line(`one-${i}`));
  const counts = await Promise.all(agents.map(taken));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(40);
});

it("who asks is told why nothing is taken, and when to come again", async () => {
  const { folder } = await start({ DRIFTMEND_SPOOL_BYTES_MAX: "1" });
  await ask("driftmend.v1.ingest.m", line("fills it"));
  expect(await ask("driftmend.v1.ingest.m", line("too late"))).toMatchObject({
    error: { code: "spool_full", retry: "later" },
  });
  expect(spooledRows(folder, "predictions", "too late")).toEqual([]);
  expect(await ask("driftmend.v1.ingest.m", "[1, 2")).toMatchObject({ error: expect.anything() });
});

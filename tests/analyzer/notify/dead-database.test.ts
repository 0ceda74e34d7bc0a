import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { Analyzer } from "../../../analyzer/analyzer.ts";
import { parseChannels } from "../../../analyzer/channels/channels-file.ts";
import { addRoutes } from "../../../analyzer/routes/routes.ts";
import { AlertView } from "../../../contract/alert.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { subjects } from "../../../contract/subjects.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { processEnvironment } from "../../../runtime/env.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createHttpServer } from "../../../runtime/http-server.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { type NatsServer, findNatsServer, startNatsServer } from "../../../runtime/nats-server.ts";
import { type Nats, connectNats } from "../../../runtime/nats.ts";
import { seededRandom } from "../../../runtime/random.ts";
import { type Store, openStore } from "../../../store/client.ts";
import { alertActions, alertsOf } from "../../../store/queries/analyzer-state.ts";
import { startMigratedEngine } from "../../support/migrated-engine.ts";
import { type Receiver, startReceiver } from "./support/receiver.ts";
import { documentGiven, documentOf } from "./support/notification-stage.ts";

/** Minutes pass in seconds. */
const FASTER = 15;
const clock: Clock = {
  ...systemClock,
  nowMs: () => Math.round(systemClock.nowMs() + systemClock.monotonicMs() * (FASTER - 1)),
  every: (periodMs, tick) => systemClock.every(periodMs / FASTER, tick),
};
const MODEL = "fraud";

/** A way to the database that can be cut. */
async function startWay(
  port: number,
): Promise<{ server: Server; cut(): void; heal(): void; port: number }> {
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((socket) => {
    if (isCut) return void socket.destroy();
    const other = connect(port, "127.0.0.1");
    for (const end of [socket, other]) {
      open.add(end);
      end.on("error", () => end.destroy()).on("close", () => open.delete(end));
    }
    socket.pipe(other).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    cut: () => {
      isCut = true;
      for (const socket of open) socket.destroy();
    },
    heal: () => {
      isCut = false;
    },
  };
}

let engine: Awaited<ReturnType<typeof startMigratedEngine>>;
let direct: Store;
let server: NatsServer;
let nats: Nats;
let receiver: Receiver;
let folder: string;
const deps = { clock: systemClock, logger: silentLogger };

beforeAll(async () => {
  engine = await startMigratedEngine();
  folder = await mkdtemp(join(tmpdir(), "driftmend-dead-"));
  direct = openStore({ ...engine, database: "driftmend" }, deps);
  const binary = findNatsServer(processEnvironment());
  const maxPayloadBytes = LIMITS.natsPayloadBytesMax;
  server = await startNatsServer({ storeDir: folder, port: 0, maxPayloadBytes, binary }, deps);
  nats = await connectNats({ url: server.url, name: "test" }, deps);
  receiver = await startReceiver();
}, 120_000);
afterAll(async () => {
  await nats.close();
  await server.stop();
  await direct.close();
  await engine[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const titles = (): string[] =>
  receiver.received.map(({ body }) => z.object({ text: z.string() }).parse(body).text);

async function start(
  port: number,
  own: Nats,
  journal = "notifications.sqlite",
): Promise<{ analyzer: Analyzer; store: Store }> {
  const url = `http://127.0.0.1:${port}`;
  const store = openStore({ ...engine, url, database: "driftmend" }, deps);
  const text = "channels: { slack/#ml: { url: env:HOOK } }\ndefaults: { page: slack/#ml }";
  const analyzer = new Analyzer(
    {
      book: parseChannels(text, "channels.yaml", { HOOK: receiver.url }),
      ...{ webhookUrl: undefined, webhookSecret: undefined, dataDir: folder },
      journalPath: join(folder, journal),
    },
    {
      ...{ store, nats: own, clock, random: seededRandom(1), logger: silentLogger },
      metrics: createMetrics("analyzer"),
    },
  );
  await analyzer.start();
  return { analyzer, store };
}

async function openApi(analyzer: Analyzer, store: Store) {
  const tokens = { token: "an-acting-token", readToken: "a-reading-token" };
  const http = createHttpServer(
    { host: "127.0.0.1", port: 0, tokens },
    { logger: silentLogger, metrics: createMetrics("analyzer") },
  );
  addRoutes(http.app, { analyzer, store, clock });
  const url = await http.listen();
  const headers = { authorization: `Bearer ${tokens.token}`, "content-type": "application/json" };
  return {
    get: async (path: string): Promise<unknown> => (await fetch(url + path, { headers })).json(),
    post: async (path: string, body: object): Promise<unknown> =>
      (await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) })).json(),
    close: () => http.close(),
  };
}

/** An agent that speaks of this model. */
async function agentSpeaks(model: string): Promise<void> {
  const head = {
    ...{ spool: "cd".repeat(16), shard: 0, nextSeq: 2, storedThrough: 1 },
    ...{ oldestUnstoredMs: null, models: [model], sentMs: clock.nowMs() },
  };
  nats.publish(subjects.head(head.spool), head);
  await nats.connection.flush();
}

it("pages while the database is dead, and has the alerts in the list when it is back", async () => {
  const way = await startWay(Number(new URL(engine.url).port));
  const own = await connectNats({ url: server.url, name: "analyzer" }, deps);
  const first = await start(way.port, own);
  const alerts = { page: "slack/#ml" };
  await first.analyzer.putDocument(documentOf(MODEL, alerts), documentGiven(MODEL, alerts), "test");
  const head = {
    ...{ spool: "ab".repeat(16), shard: 0, nextSeq: 2, storedThrough: 1 },
    ...{ oldestUnstoredMs: null, models: [MODEL] },
  };
  const watermark = {
    model: MODEL,
    clock: "wall",
    watermarkMs: clock.nowMs(),
    clockMs: clock.nowMs(),
  };
  nats.publish(subjects.head(head.spool), { ...head, sentMs: clock.nowMs() });
  nats.publish(subjects.watermark(MODEL), watermark);
  await nats.connection.flush();
  await expect.poll(() => first.analyzer.states(), { timeout: 10_000 }).toHaveLength(1);

  way.cut();
  // The agent falls silent, and the database with it: both are pages, and neither can be stored.
  await expect
    .poll(titles, { timeout: 60_000, interval: 200 })
    .toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^\[page\] fraud: No agent of this model speaks/),
        "[page] driftmend: The database does not answer",
      ]),
    );
  const told = titles().length;
  // A restart in between forgets nothing and repeats nothing.
  await first.analyzer.stop();
  await first.store.close();
  const second = await start(Number(new URL(engine.url).port), own);
  await expect
    .poll(
      async () =>
        (await direct.query(alertsOf, { model: "", states: [], limit: 10 })).map(
          ({ kind }) => kind,
        ),
      {
        timeout: 20_000,
      },
    )
    .toContain("self");
  await expect
    .poll(titles, { timeout: 60_000, interval: 200 })
    .toContain("[resolved] driftmend: The database does not answer");
  expect(titles().filter((text) => text.startsWith("[page] driftmend"))).toHaveLength(1);
  expect(told).toBeGreaterThanOrEqual(2);
  await second.analyzer.stop();
  await second.store.close();
  await own.close();
  way.server.close();
}, 180_000);

it("tells that an agent speaks again while the database is still dead, and stores both later", async () => {
  const model = "payments";
  const way = await startWay(Number(new URL(engine.url).port));
  const own = await connectNats({ url: server.url, name: "analyzer" }, deps);
  const { analyzer, store } = await start(way.port, own, "again.sqlite");
  const alerts = { page: "slack/#ml" };
  await analyzer.putDocument(documentOf(model, alerts), documentGiven(model, alerts), "test");
  await agentSpeaks(model);
  const nowMs = clock.nowMs();
  const watermark = { model, clock: "wall", watermarkMs: nowMs, clockMs: nowMs };
  nats.publish(subjects.watermark(model), watermark);
  await expect.poll(() => analyzer.watchedMs(model), { timeout: 20_000 }).toBe(null);
  way.cut();
  const about = (word: string) =>
    expect.stringMatching(new RegExp(`^\\[${word}\\] ${model}: No agent`));
  const patience = { timeout: 60_000, interval: 200 };
  await expect.poll(titles, patience).toContainEqual(about("page"));
  // Who was woken looks, and says so, though nothing can be read or stored.
  const api = await openApi(analyzer, store);
  const listed = z.object({ alerts: z.array(AlertView), total: z.int() });
  const { alerts: firing } = listed.parse(await api.get(`/api/v1/alerts?model=${model}`));
  expect(firing).toMatchObject([{ kind: "blind-agent", state: "firing" }]);
  const path = `/api/v1/alerts/${firing[0]?.id}`;
  expect(await api.get(path)).toMatchObject({
    explanation: { commands: expect.arrayContaining([`driftmend acknowledge ${firing[0]?.id}`]) },
  });
  expect(await api.post(`${path}/acknowledge`, { by: "anna" })).toMatchObject({
    acknowledged: { by: "anna" },
  });
  await agentSpeaks(model);
  await expect.poll(titles, patience).toContainEqual(about("resolved"));
  way.heal();
  await expect
    .poll(async () => direct.query(alertsOf, { model, states: ["resolved"], limit: 10 }), patience)
    .toMatchObject([{ kind: "blind-agent" }]);
  const ids = [firing[0]?.id ?? ""];
  await expect
    .poll(async () => direct.query(alertActions, { ids }), patience)
    .toMatchObject([{ action: "acknowledge", by: "anna" }]);

  // The agent falls silent for good, and the model is retired: nothing of it fires on, and nothing fails.
  await expect
    .poll(() => titles().filter((text) => text.includes(`${model}: No agent`)), patience)
    .toHaveLength(3);
  await analyzer.retireDocument(model, "test");
  await expect.poll(titles, patience).toContainEqual(about("resolved"));
  await expect
    .poll(() => titles().filter((text) => text.includes(`${model}: No agent`)), patience)
    .toHaveLength(4);
  const open = await direct.query(alertsOf, { model, states: ["firing"], limit: 10 });
  expect(open).toEqual([]);
  expect(analyzer.states()).toContainEqual(expect.objectContaining({ model, lastError: null }));
  await api.close();
  await analyzer.stop();
  await store.close();
  await own.close();
  way.server.close();
}, 180_000);

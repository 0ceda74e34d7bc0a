import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addRoutes } from "../../collector/routes.ts";
import { createHttpServer } from "../../runtime/http-server.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { type Harness, type RunningCollector, startHarness, until } from "./harness.ts";

const TOKEN = "a-token-that-may-act";
const READ_TOKEN = "a-token-that-may-read";

let harness: Harness;
let collector: RunningCollector;
let app: FastifyInstance;
beforeAll(async () => {
  harness = await startHarness();
  collector = await harness.collect();
  const server = createHttpServer(
    { host: "127.0.0.1", port: 0, tokens: { token: TOKEN, readToken: READ_TOKEN } },
    { logger: silentLogger, metrics: createMetrics("collector") },
  );
  app = server.app;
  addRoutes(app, { collector: collector.collector, store: harness.store });
  const spool = harness.spool();
  const now = Date.now();
  const predictions = [now, 0].map((ts, i) => ({ model: "m", id: `p${i}`, ts, score: 0.5 }));
  const seq = await spool.send({ predictions });
  await until(() => spool.storedThrough === seq, "the frame is stored");
}, 60_000);
afterAll(async () => {
  await app.close();
  await harness[Symbol.asyncDispose]();
});

async function get(url: string): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${READ_TOKEN}` };
  const answer = await app.inject({ method: "GET", url, headers });
  return { status: answer.statusCode, body: answer.json() };
}

describe("the collector's routes", () => {
  it("say which shards are owned and what they do", async () => {
    const { body } = await get("/api/v1/self");
    expect(body).toMatchObject({
      service: "collector",
      ready: true,
      shards: [{ shard: 0, state: { kind: "running", progress: { nextGroup: 2, groupRows: 2 } } }],
    });
  });

  it("say what the tables hold and which groups were stored last", async () => {
    const { body } = await get("/api/v1/storage");
    expect(body).toMatchObject({
      tables: expect.arrayContaining([expect.objectContaining({ table: "predictions", rows: 1 })]),
      shards: [{ shard: 0, stuck: null, setAside: [], groups: [{ n: 1, predictions: 1 }] }],
    });
  });

  it("list dead letters by model and reason and show one with its bytes", async () => {
    const { body } = await get("/api/v1/dead-letters?model=m&limit=10");
    expect(body).toMatchObject({
      byReason: [{ model: "m", reason: "time_out_of_bounds", rows: 1 }],
      letters: [{ model: "m", id: "p1", record: "predictions" }],
    });
    const [{ letter }] = (body as { letters: [{ letter: string }] }).letters;
    expect((await get(`/api/v1/dead-letters/${letter}`)).body).toMatchObject({
      letter,
      payload_base64: "",
    });
    expect((await get("/api/v1/dead-letters?model=other")).body).toEqual({
      byReason: [],
      letters: [],
    });
    expect((await get("/api/v1/dead-letters/unknown")).status).toBe(404);
    expect((await get("/api/v1/dead-letters?limit=0")).status).toBe(400);
  });

  it("count what an erasure would take for who may act, and list erasures without whose they are", async () => {
    const post = (token: string, payload: object) =>
      app.inject({
        method: "POST",
        url: "/api/v1/erasures",
        headers: { authorization: `Bearer ${token}` },
        payload,
      });
    const what = { kind: "prediction", id: "p0" };
    const planned = { model: "m", what, dryRun: true };
    expect((await post(READ_TOKEN, planned)).statusCode).toBe(403);
    expect((await post(TOKEN, planned)).json()).toMatchObject({
      id: null,
      state: "planned",
      counts: { predictions: 1, labels: 0 },
    });
    expect((await post(TOKEN, { model: "m", what: { kind: "all" } })).statusCode).toBe(400);
    const done = await post(TOKEN, { model: "m", what, by: "anna", reason: "asked for it" });
    expect(done.json()).toMatchObject({ state: "done", goneFromDisk: true });
    const { body } = await get("/api/v1/erasures");
    expect(body).toMatchObject({
      erasures: [
        { model: "m", kind: "prediction", state: "done", by: "anna", counts: { predictions: 1 } },
      ],
    });
    expect(JSON.stringify(body)).not.toContain("hashes");
  }, 30_000);

  it("set groups aside only with the token that may act, and only one that is stuck", async () => {
    const post = (token: string) =>
      app.inject({
        method: "POST",
        url: "/api/v1/storage/groups/0/1/set-aside",
        headers: { authorization: `Bearer ${token}` },
      });
    expect((await post(READ_TOKEN)).statusCode).toBe(403);
    const refused = await post(TOKEN);
    expect(refused.statusCode).toBe(409);
    expect(refused.json()).toMatchObject({ code: "conflict" });
  });
});

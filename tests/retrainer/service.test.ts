import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../contract/limits.ts";
import { RunMessage, SettledMessage } from "../../contract/messages.ts";
import { subjects } from "../../contract/subjects.ts";
import { CanaryView, RunDetailView } from "../../contract/views.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { type NatsServer, findNatsServer, startNatsServer } from "../../runtime/nats-server.ts";
import { type Nats, connectNats } from "../../runtime/nats.ts";
import { type Places, TRAINER, preparePlaces } from "./support/loop-bench.ts";
import { type ModelServer, startModelServer } from "./support/model-server.ts";
import { BEGIN_MS, DAY_MS, MODEL, type SmallWorld, openSmallWorld } from "./support/small-world.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { DATABASE } from "../support/migrated-engine.ts";

const MAIN = fileURLToPath(new URL("../../retrainer/main.ts", import.meta.url));
const TOKEN = "an-acting-token-of-this-test";
const READ_TOKEN = "a-reading-token-of-this-test";

let world: SmallWorld;
let places: Places;
let server: ModelServer;
let natsServer: NatsServer;
let nats: Nats;
let retrainer: { child: ChildProcess; url: string };
const settled: SettledMessage[] = [];
const said: RunMessage[] = [];

beforeAll(async () => {
  world = await openSmallWorld();
  await world.serve(0, 14);
  places = await preparePlaces(world.store);
  await world.serve(14, 35, { changeDay: 21 });
  server = await startModelServer(places.repository, MODEL);
  natsServer = await startNatsServer(
    {
      storeDir: join(places.folder, "nats"),
      port: 0,
      maxPayloadBytes: LIMITS.natsPayloadBytesMax,
      binary: findNatsServer(processEnvironment()),
    },
    { clock: systemClock },
  );
  nats = await connectNats({ url: natsServer.url, name: "test" }, { logger: silentLogger });
  nats.subscribe(subjects.all("settled"), SettledMessage, (message) => void settled.push(message));
  nats.subscribe(subjects.all("run"), RunMessage, (message) => void said.push(message));
  nats.respond(subjects.models, () => [{ model: MODEL, revision: 1, document: document() }]);
  retrainer = await startRetrainer();
}, 120_000);
afterAll(async () => {
  await stopRetrainer();
  await nats.close();
  await natsServer.stop();
  await server.close();
  await world.close();
  await rm(places.folder, { recursive: true, force: true });
});

const document = (): object => ({
  apiVersion: "driftmend/v1",
  kind: "Model",
  metadata: { name: MODEL },
  task: { type: "binary", positive: "1" },
  features: { hour: { type: "numeric" }, city: { type: "categorical" } },
  segments: ["app"],
  reference: { training_set: places.trainingSet },
  quality: { primary: "log_loss", slices: "city" },
  retrain: {
    mode: "auto",
    when: [{ probe: { every: "1w", gain: 0.01 } }],
    recalibrate: "off",
    window: { minimum_rows: 1000 },
    train: { command: [TRAINER] },
    judge: { block: "7d" },
  },
  rollout: {
    target: "directory",
    path: places.repository,
    url: server.url,
    steps: ["100%"],
  },
});

async function startRetrainer(): Promise<{ child: ChildProcess; url: string }> {
  const { url, user, password } = world.engine;
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: {
      ...processEnvironment(),
      DRIFTMEND_PORT: "0",
      DRIFTMEND_NATS_URL: natsServer.url,
      DRIFTMEND_CLICKHOUSE_URL: url,
      DRIFTMEND_CLICKHOUSE_USER: user,
      DRIFTMEND_CLICKHOUSE_PASSWORD: password,
      DRIFTMEND_CLICKHOUSE_DATABASE: DATABASE,
      DRIFTMEND_RETRAINER_DATA: join(places.folder, "service"),
      DRIFTMEND_TOKEN: TOKEN,
      DRIFTMEND_READ_TOKEN: READ_TOKEN,
    },
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [message] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => {
      throw new Error(stderr);
    }),
  ])) as [{ kind: string; url: string }];
  if (message.kind !== "ready") throw new Error(stderr);
  return { child, url: message.url };
}

async function stopRetrainer(): Promise<void> {
  const { child } = retrainer;
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
  expect(child.exitCode).toBe(0);
}

async function ask(
  method: string,
  path: string,
  body?: object,
  token: string | null = TOKEN,
): Promise<{ status: number; json: unknown }> {
  const response = await fetch(`${retrainer.url}${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: await response.json() };
}

async function analyzedTo(day: number): Promise<void> {
  const throughMs = BEGIN_MS + day * DAY_MS;
  nats.publish(subjects.analyzed(MODEL), { model: MODEL, clock: "replay", throughMs });
  while (!settled.some((message) => message.throughMs >= throughMs)) await systemClock.sleep(20);
}

describe("the retrainer's process", { timeout: 120_000 }, () => {
  test("adopts what serves before the model has any time", async () => {
    const path = `/api/v1/models/${MODEL}/versions`;
    const adopted = async (): Promise<boolean> =>
      ((await ask("GET", path)).json as { versions: object[] }).versions.length > 0;
    while (!(await adopted())) await systemClock.sleep(50);
    expect((await ask("GET", path)).json).toMatchObject({
      champion: "1",
      versions: [{ version: "1", status: "serving", origin: "adopted" }],
    });
  });

  test("settles a time when everything that belongs to it is done", async () => {
    await analyzedTo(34);
    await analyzedTo(35);
    expect(said.map(({ step }) => step)).toEqual(["adopted", "check", "registered", "promoted"]);
    const { json } = await ask("GET", `/api/v1/models/${MODEL}/runs`, undefined, READ_TOKEN);
    expect(json).toMatchObject({
      runs: [{ status: "promoted", promoted: true, version: "2", verdict: "PASS" }],
    });
    const { runs } = json as { runs: { id: string }[] };
    const id = runs[0]?.id ?? "";
    expect((await ask("GET", `/api/v1/runs/${id}`)).json).toMatchObject({
      events: [
        { kind: "dataset_built" },
        { kind: "training_started" },
        { kind: "trained" },
        { kind: "registered" },
        { kind: "staged" },
        { kind: "promoted", at: "2026-10-12T00:00:00.000Z" },
      ],
    });
    RunDetailView.parse((await ask("GET", `/api/v1/runs/${id}`)).json);
    // Straight to all requests: there was no canary to look at.
    const canary = CanaryView.parse((await ask("GET", `/api/v1/runs/${id}/canary`)).json);
    expect(canary).toMatchObject({ champion: "1", challenger: "2", steps: [] });
    expect((await ask("GET", `/v1/analysis/${id}`)).json).toMatchObject({
      data: { ok: true, verdict: "PASS" },
    });
    expect((await ask("GET", `/api/v1/models/${MODEL}/checks`)).json).toMatchObject({
      checks: [{ decision: "RETRAIN", at: "2026-10-12T00:00:00.000Z", runId: id }],
    });
  });

  test("rolls back by hand, and keeps an audit that holds together", async () => {
    const rolled = await ask("POST", `/api/v1/models/${MODEL}/rollback`, {
      by: "ada",
      reason: "x",
    });
    expect(rolled).toMatchObject({ status: 200, json: { version: "1", from: "2" } });
    const { json } = await ask("GET", "/api/v1/audit");
    expect(json).toMatchObject({ brokenAt: null });
    const { entries } = json as { entries: { action: string; actor: string }[] };
    expect(entries.at(-1)).toMatchObject({ action: "rollback", actor: "ada" });
  });

  test("lets only the acting token act", async () => {
    const path = `/api/v1/models/${MODEL}/loop`;
    expect((await ask("POST", path, { mode: "paused" }, null)).status).toBe(401);
    expect((await ask("POST", path, { mode: "paused" }, READ_TOKEN)).status).toBe(403);
    expect((await ask("POST", path, { mode: "stopped" })).status).toBe(400);
    expect((await ask("POST", path, { mode: "paused", for: "8h" })).json).toMatchObject({
      mode: "paused",
      documentMode: "auto",
      until: "2026-10-12T08:00:00.000Z",
    });
    expect((await ask("POST", path, { mode: "resume" })).json).toMatchObject({ mode: "auto" });
    expect((await ask("POST", "/api/v1/runs/run-none/cancel", {})).status).toBe(404);
  });

  test("goes on where it was after a restart, and projects its journal again", async () => {
    await stopRetrainer();
    retrainer = await startRetrainer();
    expect((await ask("POST", "/api/v1/runs/rebuild")).json).toMatchObject({
      rows: expect.any(Number) as number,
    });
    settled.length = 0;
    await analyzedTo(35);
    expect((await ask("GET", `/api/v1/models/${MODEL}/checks`)).json).toMatchObject({
      checks: [{ decision: "RETRAIN" }],
    });
    expect((await ask("GET", "/api/v1/self")).json).toMatchObject({
      service: "retrainer",
      models: [
        { model: MODEL, champion: "1", activeRun: null, settled: "2026-10-12T00:00:00.000Z" },
      ],
    });
  });
});

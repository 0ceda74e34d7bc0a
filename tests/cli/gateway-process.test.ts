import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";
import { processEnvironment } from "../../runtime/env.ts";
import { createHttpServer } from "../../runtime/http-server.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";

const MAIN = resolve(import.meta.dirname, "../../cli/driftmend.mjs");
const tokens = { token: "acting-token-1234", readToken: "reading-token-1234" };
const read = { authorization: `Bearer ${tokens.readToken}` };
const Ready = z.object({ kind: z.literal("ready"), url: z.string() });
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function service(reason: string | null): Promise<string> {
  const deps = { logger: silentLogger, metrics: createMetrics("test") };
  const server = createHttpServer({ host: "127.0.0.1", port: 0, tokens }, deps);
  server.setReadiness(() => reason);
  server.app.get("/api/v1/models", { config: { access: "read" } }, () => ({ models: [] }));
  ends.push(() => server.close());
  return server.listen();
}

function start(command: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const PATH = processEnvironment()["PATH"];
  return spawn(process.execPath, [MAIN, ...command], {
    env: { PATH, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
}

async function gateway(urls: Readonly<Record<string, string>>): Promise<string> {
  const child = start(["gateway"], {
    DRIFTMEND_PORT: "0",
    DRIFTMEND_TOKEN: tokens.token,
    DRIFTMEND_READ_TOKEN: tokens.readToken,
    ...urls,
  });
  const exited = once(child, "exit");
  ends.push(() => {
    child.kill();
    return exited;
  });
  const [message] = (await once(child, "message")) as unknown[];
  return Ready.parse(message).url;
}

it("is one origin for services that run elsewhere, and says of each whether it can work", async () => {
  const well = await service(null);
  const url = await gateway({
    DRIFTMEND_AGENT_URL: well,
    DRIFTMEND_COLLECTOR_URL: await service("shard 1 is being recovered"),
    DRIFTMEND_ANALYZER_URL: well,
    DRIFTMEND_RETRAINER_URL: "http://127.0.0.1:1",
  });
  const models = await fetch(`${url}/api/v1/models`, { headers: read });
  expect(await models.json()).toEqual({ models: [] });
  const self = await (await fetch(`${url}/api/v1/self`, { headers: read })).json();
  expect(self).toMatchObject({
    service: "gateway",
    processes: [
      { name: "agent", kind: "ready", url: well },
      { name: "collector", kind: "starting" },
      { name: "analyzer", kind: "ready" },
      { name: "retrainer", kind: "away", url: "http://127.0.0.1:1" },
    ],
  });
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([
    503,
    expect.stringContaining("shard 1 is being recovered"),
  ]);

  const status = start(["status"], { DRIFTMEND_URL: url, DRIFTMEND_TOKEN: tokens.readToken });
  const exited = once(status, "exit");
  let said = "";
  for await (const chunk of status.stdout ?? []) said += String(chunk);
  expect(await exited).toEqual([1, null]);
  expect(said).toMatch(/collector +starting/);
  expect(said).toMatch(/retrainer +away/);
  expect(said).toContain("driftmend doctor");
}, 60_000);

it("makes tokens that services of the same file take, and takes them itself", async () => {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-tokens-"));
  ends.push(() => Promise.resolve(rmSync(folder, { recursive: true })));
  const well = await service(null);
  const url = await gateway({
    DRIFTMEND_TOKENS_FILE: join(folder, "tokens.json"),
    DRIFTMEND_AGENT_URL: well,
    DRIFTMEND_COLLECTOR_URL: well,
    DRIFTMEND_ANALYZER_URL: well,
    DRIFTMEND_RETRAINER_URL: well,
  });
  const made = await fetch(`${url}/api/v1/tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${tokens.token}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "anna", access: "read" }),
  });
  const { token } = z.object({ token: z.string() }).parse(await made.json());
  const access = await fetch(`${url}/api/v1/access`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await access.json()).toMatchObject({ access: "read" });
}, 60_000);

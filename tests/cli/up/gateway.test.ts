import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createGateway } from "../../../cli/up/gateway.ts";
import { type ServiceName, upstreamOf } from "../../../cli/up/upstream-of.ts";
import { type HttpServer, createHttpServer } from "../../../runtime/http-server.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createMetrics } from "../../../runtime/metrics.ts";

const deps = { logger: silentLogger, metrics: createMetrics("test") };
const tokens = { token: "acting-token-1234", readToken: "reading-token-1234" };
const open: HttpServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function listen(server: HttpServer): Promise<string> {
  open.push(server);
  return server.listen();
}

async function service(name: string): Promise<string> {
  const server = createHttpServer({ host: "127.0.0.1", port: 0, tokens }, deps);
  server.setReadiness(() => null);
  server.app.all("/*", { config: { access: "read" } }, (request) => ({
    service: name,
    method: request.method,
    url: request.url,
    body: request.body ?? null,
  }));
  return listen(server);
}

async function gateway(urls: Partial<Record<ServiceName, string>>, page?: string): Promise<string> {
  const server = createGateway(
    { host: "127.0.0.1", port: 0, tokens },
    {
      ...deps,
      serviceUrl: (name) => urls[name] ?? null,
      self: () => ({ service: "up" }),
      page,
    },
  );
  return listen(server);
}

const read = { authorization: `Bearer ${tokens.readToken}` };

it("passes lines on to the agent for who may act, and for nobody else", async () => {
  const url = await gateway({ agent: await service("agent") });
  const post = (token: string) =>
    fetch(`${url}/v1/labels`, {
      method: "POST",
      body: '{"id": "a"}',
      headers: { authorization: `Bearer ${token}`, "content-type": "application/x-ndjson" },
    });
  expect((await post("nobody")).status).toBe(401);
  expect((await post(tokens.readToken)).status).toBe(403);
  expect((await post(tokens.token)).status).not.toBe(403);
});

describe("which service answers", () => {
  it.each([
    ["/api/v1/models", "analyzer"],
    ["/api/v1/models/flights", "analyzer"],
    ["/api/v1/models/runs", "analyzer"],
    ["/api/v1/models/flights/drift", "analyzer"],
    ["/api/v1/models/flights/runs", "retrainer"],
    ["/api/v1/models/flights/runs/7/approve", "retrainer"],
    ["/api/v1/models/flights/versions", "retrainer"],
    ["/api/v1/models/flights/loop", "retrainer"],
    ["/api/v1/models/flights/rollback", "retrainer"],
    ["/api/v1/models/flights/checks", "retrainer"],
    ["/api/v1/models/flights/runsaway", "analyzer"],
    ["/api/v1/runs/7", "retrainer"],
    ["/api/v1/audit", "retrainer"],
    ["/v1/analysis/7", "retrainer"],
    ["/api/v1/dead-letters", "collector"],
    ["/api/v1/storage/tables", "collector"],
    ["/api/v1/alerts/7/silence", "analyzer"],
    ["/api/openapi.json", "analyzer"],
    ["/v1/labels", "agent"],
    ["/v1/events", "agent"],
  ])("%s: %s", (path, expected) => {
    expect(upstreamOf(path)).toEqual({ kind: "service", service: expected, path });
  });

  it("/api/v1/self/<service>: that service's own", () => {
    expect(upstreamOf("/api/v1/self/agent")).toEqual({
      kind: "service",
      service: "agent",
      path: "/api/v1/self",
    });
    expect(upstreamOf("/api/v1/self/other").kind).toBe("unknown-service");
  });
});

describe("the gateway", () => {
  it("passes path, query, method, body and token on", async () => {
    const retrainer = await service("retrainer");
    const url = await gateway({ retrainer, agent: retrainer });
    const response = await fetch(`${url}/api/v1/models/a%20b/runs?limit=2`, {
      method: "POST",
      headers: { ...read, "content-type": "application/json" },
      body: '{"reason":"by hand"}',
    });
    expect(await response.json()).toEqual({
      service: "retrainer",
      method: "POST",
      url: "/api/v1/models/a%20b/runs?limit=2",
      body: { reason: "by hand" },
    });
    const self = await fetch(`${url}/api/v1/self/agent?x=1`, { headers: read });
    expect(await self.json()).toMatchObject({ method: "GET", url: "/api/v1/self?x=1" });
    const analysis = await fetch(`${url}/v1/analysis/7`, { headers: read });
    expect(await analysis.json()).toMatchObject({ url: "/v1/analysis/7" });
  });

  it("leaves the tokens to the services, and asks for one itself where it answers", async () => {
    const url = await gateway({ analyzer: await service("analyzer") });
    const refused = await fetch(`${url}/api/v1/models`);
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ code: "token_missing" });
    expect((await fetch(`${url}/api/v1/self`)).status).toBe(401);
    expect(await (await fetch(`${url}/api/v1/self`, { headers: read })).json()).toEqual({
      service: "up",
    });
  });

  it("says as a problem that a service is not there, and which ones there are", async () => {
    const gone = await service("analyzer");
    await open.pop()?.close();
    const url = await gateway({ analyzer: gone });
    const response = await fetch(`${url}/api/v1/models`, { headers: read });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "unavailable" });
    const never = await fetch(`${url}/api/v1/runs`, { headers: read });
    expect(await never.json()).toMatchObject({
      code: "unavailable",
      detail:
        "Cannot pass the request on as its service must answer: the retrainer has not been ready yet",
    });
    const unknown = await fetch(`${url}/api/v1/self/nobody`, { headers: read });
    expect(unknown.status).toBe(404);
  });

  it("is ready when every service is", async () => {
    const one = await service("any");
    const all = { agent: one, collector: one, analyzer: one, retrainer: one };
    expect((await fetch(`${await gateway(all)}/readyz`)).status).toBe(200);
    const { retrainer: _left, ...three } = all;
    const response = await fetch(`${await gateway(three)}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: "not ready",
      reason: "retrainer: still starting",
    });
    expect((await fetch(`${await gateway(all)}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${await gateway(all)}/metrics`)).text()).toContain(
      "process_cpu_seconds_total",
    );
  });
});

describe("the page", () => {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-page-"));
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>Driftmend</title>");
  writeFileSync(join(folder, "assets", "index-1a2b.js"), "export {};");
  writeFileSync(join(folder, "assets", ".built"), "a stamp");
  writeFileSync(join(folder, "secret.txt"), "no asset");

  it("is one document under all of its addresses, open to who may open the socket", async () => {
    const url = await gateway({}, folder);
    for (const path of ["/", "/models/a%20b", "/alerts", "/alerts/7", "/runs/run-1"]) {
      const response = await fetch(`${url}${path}`);
      expect([path, response.status]).toEqual([path, 200]);
      expect(response.headers.get("content-type")).toContain("text/html");
      expect(response.headers.get("cache-control")).toBe("no-cache");
      expect(response.headers.get("content-security-policy")).toContain("script-src 'self'");
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    }
    expect((await fetch(`${url}/nowhere`, { headers: read })).status).toBe(404);
    expect((await fetch(`${url}/api/v1/models`)).status).toBe(503);
  });

  it("has assets that are kept for ever, and nothing beside them", async () => {
    const url = await gateway({}, folder);
    const asset = await fetch(`${url}/assets/index-1a2b.js`);
    expect(asset.headers.get("content-type")).toContain("application/javascript");
    expect(asset.headers.get("cache-control")).toContain("immutable");
    const paths = ["/assets/..%2fsecret.txt", "/assets/%2e%2e/secret.txt", "/secret.txt"];
    for (const path of [...paths, "/assets/.built", "/assets/", "/assets/none.js"]) {
      const response = await fetch(`${url}${path}`);
      expect([path, response.status >= 400]).toEqual([path, true]);
    }
  });

  it("says how it is built where it is not", async () => {
    const response = await fetch(`${await gateway({})}/`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "page_not_built" });
    rmSync(folder, { recursive: true, force: true });
  });
});

describe("what a token allows", () => {
  it.each([
    ["the acting one", tokens.token, 200, { access: "act" }],
    ["the reading one", tokens.readToken, 200, { access: "read" }],
    ["none", "", 401, { code: "token_missing" }],
  ])("%s", async (_name, token, status, answer) => {
    const headers = token === "" ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${await gateway({})}/api/v1/access`, { headers });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject(answer);
  });
});

describe("asking again", () => {
  it("is answered in a few bytes where nothing changed, through the gateway too", async () => {
    const url = await gateway({ analyzer: await service("analyzer") });
    const first = await fetch(`${url}/api/v1/models`, { headers: read });
    const tag = first.headers.get("etag") ?? "";
    expect(tag).toMatch(/^"[\w-]+"$/);
    expect(first.headers.get("cache-control")).toBe("private, no-cache");
    const same = await fetch(`${url}/api/v1/models`, {
      headers: { ...read, "if-none-match": `"other", W/${tag}` },
    });
    expect([same.status, await same.text()]).toEqual([304, ""]);
    const other = await fetch(`${url}/api/v1/models?limit=1`, {
      headers: { ...read, "if-none-match": tag },
    });
    expect(other.status).toBe(200);
  });
});

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

async function gateway(urls: Partial<Record<ServiceName, string>>): Promise<string> {
  const server = createGateway(
    { host: "127.0.0.1", port: 0, tokens },
    {
      ...deps,
      serviceUrl: (name) => urls[name] ?? null,
      self: () => ({ service: "up" }),
      page: undefined,
    },
  );
  return listen(server);
}

const read = { authorization: `Bearer ${tokens.readToken}` };

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

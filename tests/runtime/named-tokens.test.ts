import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../runtime/clock.ts";
import { createHttpServer } from "../../runtime/http-server.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { NamedTokens } from "../../runtime/named-tokens.ts";

let folder = "";
let nowMs = 0;
const clock: Clock = {
  nowMs: () => Date.UTC(2026, 0, 1) + nowMs,
  monotonicMs: () => nowMs,
  sleep: () => Promise.resolve(),
  every: () => () => undefined,
};
const path = (): string => join(folder, "tokens.json");
beforeEach(() => {
  nowMs = 0;
  folder = mkdtempSync(join(tmpdir(), "driftmend-tokens-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const own = { token: "acting-token-12345", readToken: "reading-token-12345" };

describe("named tokens", () => {
  it("are kept as hashes, for their owner alone", async () => {
    const tokens = new NamedTokens(path(), clock);
    const { secret, token } = await tokens.create({ name: "ci", access: "read", by: "ann" });
    expect(secret).toMatch(/^dmr_[\w-]{43}$/);
    expect(readFileSync(path(), "utf8")).not.toContain(secret);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(tokens.find(secret)).toEqual(token);
    expect(tokens.find(`${secret}x`)).toBeNull();
  });

  it("are known to another service soon after they are made, and after they are revoked", async () => {
    const gateway = new NamedTokens(path(), clock);
    const service = new NamedTokens(path(), clock);
    expect(service.list()).toEqual([]);
    const { secret } = await gateway.create({ name: "ci", access: "act", by: "ann" });
    expect(service.find(secret)).toBeNull();
    nowMs += 600;
    expect(service.find(secret)).toMatchObject({ name: "ci", revoked: null });
    await gateway.revoke("ci");
    nowMs += 600;
    expect(service.find(secret)?.revoked).toBe("2026-01-01T00:00:00.600Z");
  });

  it("have a name once, until it is revoked; changes at the same time lose nothing", async () => {
    const tokens = new NamedTokens(path(), clock);
    const names = ["a", "b", "c"];
    await Promise.all(names.map((name) => tokens.create({ name, access: "read", by: "ann" })));
    expect(tokens.list().map(({ name }) => name)).toEqual(names);
    await expect(tokens.create({ name: "a", access: "act", by: "ann" })).rejects.toMatchObject({
      code: "token_exists",
    });
    await tokens.revoke("a");
    await tokens.create({ name: "a", access: "act", by: "ann" });
    await expect(tokens.revoke("nobody")).rejects.toMatchObject({ code: "not_found" });
  });

  it("say where their file is damaged", () => {
    writeFileSync(path(), "{");
    expect(() => new NamedTokens(path(), clock).list()).toThrow("as the file of named tokens");
  });
});

describe("a service with tokens", () => {
  async function service(named: NamedTokens) {
    const http = createHttpServer(
      { host: "127.0.0.1", port: 0, tokens: { ...own, named } },
      { logger: silentLogger, metrics: createMetrics("test"), clock },
    );
    http.app.get("/thing", { config: { access: "read" } }, () => ({ ok: true }));
    http.app.post("/thing", { config: { access: "act" } }, (request) => request.body ?? null);
    http.app.get("/page", { config: { access: "open" } }, (_request, reply) =>
      reply.type("text/html").send("<p>"),
    );
    const url = await http.listen();
    const ask = async (method: string, token?: string, body?: string, route = "/thing") => {
      const headers = {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      };
      const answer = await fetch(url + route, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    };
    return { ask, close: () => http.close() };
  }
  const codeOf = (text: string): unknown => (JSON.parse(text) as { code?: string }).code;

  it("tells reading from acting, and a revoked token from an unknown one", async () => {
    const named = new NamedTokens(path(), clock);
    const reads = await named.create({ name: "grafana", access: "read", by: "ann" });
    const acts = await named.create({ name: "ci", access: "act", by: "ann" });
    const { ask, close } = await service(named);
    expect((await ask("GET", reads.secret)).status).toBe(200);
    expect((await ask("POST", acts.secret, "{}")).status).toBe(200);
    const refused = await ask("POST", reads.secret, "{}");
    expect([refused.status, codeOf(refused.text)]).toEqual([403, "token_reads_only"]);
    expect(refused.text).toContain('"grafana\\" may only read');
    await named.revoke("ci");
    const revoked = await ask("POST", acts.secret, "{}");
    expect([revoked.status, codeOf(revoked.text)]).toEqual([401, "token_revoked"]);
    expect(codeOf((await ask("GET", "dmr_nobody")).text)).toBe("token_missing");
    expect((await ask("GET", own.readToken)).status).toBe(200);
    await close();
  });

  it("slows down who asks too often, strangers before holders of a token", async () => {
    const { ask, close } = await service(new NamedTokens(path(), clock));
    const statuses = new Set<number>();
    for (let i = 0; i < 60; i++) statuses.add((await ask("GET", "guess")).status);
    expect([...statuses]).toEqual([401]);
    const limited = await ask("GET", "guess");
    expect([limited.status, codeOf(limited.text), limited.headers.get("retry-after")]).toEqual([
      429,
      "rate_limited",
      "1",
    ]);
    expect((await ask("GET", own.readToken)).status).toBe(200);
    nowMs += 1_000;
    expect((await ask("GET", "guess")).status).toBe(401);
    await close();
  });

  it("answers bodies that are too large, no JSON or of another type as problems", async () => {
    const { ask, close } = await service(new NamedTokens(path(), clock));
    const large = await ask("POST", own.token, JSON.stringify("x".repeat(1024 * 1024)));
    expect([large.status, codeOf(large.text)]).toEqual([413, "body_too_large"]);
    const broken = await ask("POST", own.token, "{");
    expect([broken.status, codeOf(broken.text)]).toEqual([400, "request_invalid"]);
    await close();
  });

  it("tells browsers what they may do with an answer", async () => {
    const { ask, close } = await service(new NamedTokens(path(), clock));
    const { headers } = await ask("GET", own.readToken);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toBe("private, no-cache");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    const page = await ask("GET", undefined, undefined, "/page");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
    expect(page.headers.get("x-frame-options")).toBe("DENY");
    await close();
  });
});

import { type RequestListener, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";
import { createApi } from "../../cli/api.ts";
import { exchange } from "../../cli/exchange.ts";

const servers: Server[] = [];

async function serve(listener: RequestListener): Promise<URL> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const GET = { method: "GET", headers: {}, body: undefined, timeoutMs: 5_000 } as const;

it("exchange() sends a body and reads the whole answer, however it is cut", async () => {
  const url = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const bytes = Buffer.from(`${request.method} ${Buffer.concat(chunks).toString()} – ✓`);
      response.writeHead(201);
      // Between the bytes of one character.
      response.write(bytes.subarray(0, bytes.length - 1));
      setTimeout(() => response.end(bytes.subarray(bytes.length - 1)), 20);
    });
  });
  const answer = await exchange(url, { ...GET, method: "PUT", body: "größe" });
  expect(answer).toEqual({ status: 201, location: null, text: "PUT größe – ✓" });
});

it("exchange() gives up on a server that does not answer, and says after how long", async () => {
  const url = await serve(() => undefined);
  await expect(exchange(url, { ...GET, timeoutMs: 50 })).rejects.toThrow("no answer within 0.05 s");
});

it("a redirect is not followed with the token; it says where it points", async () => {
  const asked: string[] = [];
  const url = await serve((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(308, { location: "https://elsewhere.example/" }).end("moved");
  });
  const api = createApi({ url: url.href, token: "secret" });
  await expect(api.request({ path: "/api/v1/models", schema: z.unknown() })).rejects.toThrow(
    'The answer was HTTP 308, which points to "https://elsewhere.example/": moved',
  );
  expect(asked).toEqual(["/api/v1/models"]);
});

it("a system that is not there is named with its reason and what to do", async () => {
  const url = await serve(() => undefined);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  const api = createApi({ url: url.href, token: null });
  await expect(api.request({ path: "/", schema: z.unknown() })).rejects.toMatchObject({
    code: "system_unreachable",
    message: expect.stringContaining("ECONNREFUSED"),
  });
});

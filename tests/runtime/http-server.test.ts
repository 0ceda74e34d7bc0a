/** The HTTP side of every service: who may reach it without a token. */
import { describe, expect, it } from "vitest";
import { createHttpServer } from "../../runtime/http-server.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";

const none = { token: undefined, readToken: undefined };

function create(host: string, tokens: { token: string | undefined; readToken: undefined }) {
  const deps = { logger: silentLogger, metrics: createMetrics("test") };
  return createHttpServer({ host, port: 0, tokens }, deps);
}

describe("a service", () => {
  it.each(["0.0.0.0", "::", "192.168.0.7", "127.example.org"])(
    "that listens on %s needs a token",
    async (host) => {
      expect(() => create(host, none)).toThrow(
        `Cannot listen on "${host}" as what is open to the network needs a token: none is set`,
      );
      await create(host, { ...none, token: "a-token-of-some-length" }).close();
    },
  );

  it.each(["127.0.0.1", "127.0.1.1", "::1", "localhost"])(
    "that listens on %s needs none",
    async (host) => {
      await create(host, none).close();
    },
  );

  it("says which port is taken and what to do", async () => {
    const first = create("127.0.0.1", none);
    const port = Number(new URL(await first.listen()).port);
    const deps = { logger: silentLogger, metrics: createMetrics("test") };
    const second = createHttpServer({ host: "127.0.0.1", port, tokens: none }, deps);
    await expect(second.listen()).rejects.toMatchObject({
      code: "port_in_use",
      message: `Cannot listen on 127.0.0.1:${port} as the port must be free`,
      next: "Name another port, or 0 for any free one.",
    });
    await Promise.all([first.close(), second.close()]);
  });
});

/** NATS behind its interface, against a real nats-server. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { findNatsServer, startNatsServer } from "../../runtime/nats-server.ts";
import { connectNats } from "../../runtime/nats.ts";

const HOUR_MS = 3_600_000;

it("answers the next request after one that failed", async () => {
  const storeDir = mkdtempSync(join(tmpdir(), "driftmend-nats-"));
  const binary = findNatsServer(processEnvironment());
  const maxPayloadBytes = LIMITS.natsPayloadBytesMax;
  const server = await startNatsServer(
    { binary, storeDir, port: 0, maxPayloadBytes },
    { clock: systemClock },
  );
  const nats = await connectNats({ url: server.url, name: "test" }, { logger: silentLogger });
  let asked = 0;
  nats.respond("question", () => {
    asked++;
    if (asked === 1) throw new Error("not now");
    return { asked };
  });
  const Answer = z.object({ asked: z.int() });
  expect(await nats.request("question", Answer, 300)).toBeNull();
  expect(await nats.request("question", Answer, 5_000)).toEqual({ asked: 2 });
  await nats.close();
  await server.stop();
  rmSync(storeDir, { recursive: true, force: true });
});

it("comes back to a server that was away while the wall clock was put back an hour", async () => {
  const storeDir = mkdtempSync(join(tmpdir(), "driftmend-nats-"));
  const binary = findNatsServer(processEnvironment());
  const maxPayloadBytes = LIMITS.natsPayloadBytesMax;
  const options = { binary, storeDir, maxPayloadBytes };
  const first = await startNatsServer({ ...options, port: 0 }, { clock: systemClock });
  const nats = await connectNats({ url: first.url, name: "test" }, { logger: silentLogger });
  expect(nats.isConnected()).toBe(true);
  const now = Date.now.bind(Date);
  const wallClock = vi.spyOn(Date, "now").mockImplementation(() => now() - HOUR_MS);
  try {
    await first.kill();
    await vi.waitFor(() => expect(nats.isConnected()).toBe(false), 5_000);
    const again = await startNatsServer({ ...options, port: first.port }, { clock: systemClock });
    await vi.waitFor(() => expect(nats.isConnected()).toBe(true), 10_000);
    await nats.close();
    await again.stop();
  } finally {
    wallClock.mockRestore();
    rmSync(storeDir, { recursive: true, force: true });
  }
});

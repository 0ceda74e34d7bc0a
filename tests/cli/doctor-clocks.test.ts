import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { judgeClock, readClock } from "../../cli/commands/doctor-clocks.ts";
import { systemClock } from "../../runtime/clock.ts";

const HOUR_MS = 3_600_000;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A machine whose clock differs from ours. */
async function machine(aheadMs: number): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader("date", new Date(systemClock.nowMs() + aheadMs).toUTCString());
    response.end("{}");
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a clock that differs", () => {
  it.each([
    [HOUR_MS, "the agent is 1 h ahead of this machine's clock"],
    [-HOUR_MS, "the agent is 1 h behind this machine's clock"],
  ])("by %d ms is told, with what to do", async (aheadMs, detail) => {
    const reading = await readClock("the agent", await machine(aheadMs), systemClock);
    expect(Math.abs((reading?.aheadMs ?? 0) - aheadMs)).toBeLessThan(20_000);
    expect(judgeClock({ where: "the agent", aheadMs })).toMatchObject({ state: "wrong", detail });
    expect(judgeClock(reading ?? { where: "", aheadMs: 0 })).toMatchObject({
      state: "wrong",
      next: expect.stringContaining("NTP"),
    });
  });

  it("by what an answer takes is none", async () => {
    const reading = await readClock("the agent", await machine(0), systemClock);
    expect(judgeClock(reading ?? { where: "", aheadMs: HOUR_MS }).state).toBe("ok");
  });

  it("cannot be read where nobody answers", async () => {
    expect(await readClock("the agent", "http://127.0.0.1:9", systemClock)).toBeNull();
  });
});

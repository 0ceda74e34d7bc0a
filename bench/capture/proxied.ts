/**
 * What the proxy adds to a call of a model server that takes a millisecond, at 2 000 calls a second, against a bare
 * pass-through on node:http in the same run. Server, proxies and this load generator share the machine's cores; of many
 * short rounds the best one of each counts, since a neighbour's second on a shared machine is longer than what is
 * measured.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as openRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { systemClock } from "../../runtime/clock.ts";
import { startAgentProcess } from "../../tests/agent/agent-process.ts";
import { freePort } from "../../tests/support/free-port.ts";
import type { Figure } from "../figure.ts";

const CALLS_PER_SECOND = 2_000;
const SECONDS = 2;
const WARM_UP_SECONDS = 3;
const ROUNDS = 12;
const BODY = JSON.stringify({
  inputs: [
    {
      ...{ name: "x", shape: [1, 20], datatype: "FP32" },
      data: Array.from({ length: 20 }, (_, i) => i * 1.5),
    },
  ],
});
const Address = z.object({ port: z.int() });

interface Times {
  readonly median: number;
  readonly p99: number;
}

export async function proxied(): Promise<readonly Figure[]> {
  const children: ChildProcess[] = [];
  const start = async (name: string, ...args: string[]): Promise<number> => {
    const child = fork(join(import.meta.dirname, "children", name), args);
    children.push(child);
    const [message] = await once(child, "message");
    return Address.parse(message).port;
  };
  const folder = mkdtempSync(join(tmpdir(), "driftmend-bench-proxy-"));
  const server = await start("model-server.ts");
  const bare = await start("bare-pass.ts", String(server));
  const ours = await freePort();
  const agent = await startAgentProcess(folder, {
    DRIFTMEND_PROXY_UPSTREAM: `http://127.0.0.1:${server}`,
    DRIFTMEND_PROXY_PORT: String(ours),
    DRIFTMEND_SPOOL_BYTES_MAX: String(2 * 1024 ** 3),
  });
  try {
    const ports = { direct: server, bare, ours };
    const best: Record<keyof typeof ports, Times> = { direct: WORST, bare: WORST, ours: WORST };
    for (const port of Object.values(ports)) await load(port, WARM_UP_SECONDS);
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of ["direct", "bare", "ours"] as const) {
        best[name] = better(best[name], await load(ports[name], SECONDS));
      }
    }
    const { totals } = await agent.self();
    const captured = totals["calls.captured"] ?? 0;
    return [
      added("proxy_adds_median", best, "median"),
      added("proxy_adds_p99", best, "p99"),
      {
        ...figure(
          "proxy_captured",
          captured / (captured + (totals["calls.shed"] ?? 0)),
          "of calls",
        ),
      },
    ];
  } finally {
    await agent.kill();
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

const WORST: Times = { median: Number.POSITIVE_INFINITY, p99: Number.POSITIVE_INFINITY };
const better = (a: Times, b: Times): Times => ({
  median: Math.min(a.median, b.median),
  p99: Math.min(a.p99, b.p99),
});
const figure = (metric: string, value: number, unit: string): Figure => ({
  ...{ bench: "capture", metric, value, unit, ratio: null, against: null },
});

function added(
  metric: string,
  best: Readonly<Record<"direct" | "bare" | "ours", Times>>,
  which: keyof Times,
): Figure {
  const [ours, bare] = [
    best.ours[which] - best.direct[which],
    best.bare[which] - best.direct[which],
  ];
  return { ...figure(metric, ours, "ms"), ratio: ours / bare, against: "a bare pass-through" };
}

/** Calls at a fixed rate, whether or not earlier ones were answered. */
async function load(port: number, seconds: number): Promise<Times> {
  // Idle ones are closed before a server closes them.
  const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 4_000 });
  const times: number[] = [];
  let failed = 0;
  const call = (): void => {
    const startedMs = systemClock.monotonicMs();
    const headers = { "content-type": "application/json", "content-length": BODY.length };
    const path = "/v2/models/m/infer";
    const one = openRequest({ host: "127.0.0.1", port, method: "POST", path, headers, agent });
    one.on("response", (answer) => {
      answer.resume().on("end", () => times.push(systemClock.monotonicMs() - startedMs));
    });
    one.on("error", () => failed++);
    one.end(BODY);
  };
  const wanted = seconds * CALLS_PER_SECOND;
  const beganMs = systemClock.monotonicMs();
  for (let sent = 0; sent < wanted; ) {
    const due = Math.min(wanted, ((systemClock.monotonicMs() - beganMs) / 1000) * CALLS_PER_SECOND);
    for (; sent < due; sent++) call();
    await systemClock.sleep(1);
  }
  for (let i = 0; times.length + failed < wanted && i < 500; i++) await systemClock.sleep(10);
  agent.destroy();
  if (failed > 0) throw new Error(`${failed} of ${wanted} calls failed on port ${port}`);
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
  return { median: at(0.5), p99: at(0.99) };
}

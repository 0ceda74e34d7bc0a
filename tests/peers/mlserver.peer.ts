/**
 * The proxy before a real MLServer, asked by Triton's own clients over HTTP and gRPC: they hear what they hear without
 * it, and what they asked and heard is in the spool. What MLServer counts of these requests is there too, read from its
 * metrics.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { systemClock } from "../../runtime/clock.ts";
import { readBlock } from "../../contract/native-block.ts";
import { framesIn, startAgentProcess } from "../agent/agent-process.ts";
import { type Row, rowsOf, spooledMetrics } from "../agent/capture-harness.ts";
import { freePort } from "../support/free-port.ts";
import { pythonWith } from "./support/python-venv.ts";

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const script = (name: string): string => join(import.meta.dirname, "mlserver", name);
const READY_WITHIN_MS = 120_000;

const programs = pythonWith([
  "mlserver>=1.7,<2",
  "mlserver-sklearn>=1.7,<2",
  "tritonclient[http,grpc]>=2.60,<3",
]);
const [httpPort, grpcPort, proxyPort, proxyGrpcPort, metricsPort] = [
  ...[await freePort(), await freePort(), await freePort(), await freePort(), await freePort()],
] as const;
const folder = mkdtempSync(join(tmpdir(), "driftmend-peer-mlserver-"));
const spool = join(folder, "spool");

python("make_model.py", folder, String(httpPort), String(grpcPort), String(metricsPort));
const mlserver = spawn(join(programs, "mlserver"), ["start", "."], {
  cwd: folder,
  stdio: "ignore",
});
const agent = await startAgentProcess(spool, {
  DRIFTMEND_PROXY_UPSTREAM: `http://127.0.0.1:${httpPort}`,
  DRIFTMEND_PROXY_PORT: String(proxyPort),
  DRIFTMEND_PROXY_GRPC_UPSTREAM: `http://127.0.0.1:${grpcPort}`,
  DRIFTMEND_PROXY_GRPC_PORT: String(proxyGrpcPort),
  DRIFTMEND_SCRAPE: `mlserver=http://127.0.0.1:${metricsPort}/metrics`,
  DRIFTMEND_SCRAPE_SECONDS: "1",
});
try {
  await untilReady(`http://127.0.0.1:${proxyPort}/v2/models/iris/ready`, mlserver);
  await untilRead();
  const direct = python("ask.py", `127.0.0.1:${httpPort}`);
  deepStrictEqual(python("ask.py", `127.0.0.1:${proxyPort}`), direct);
  say(`over HTTP as without the proxy: ${JSON.stringify(direct)}`);
  const directGrpc = python("ask_grpc.py", `127.0.0.1:${grpcPort}`);
  deepStrictEqual(python("ask_grpc.py", `127.0.0.1:${proxyGrpcPort}`), directGrpc);
  say(`over gRPC as without the proxy: ${JSON.stringify(directGrpc)}`);
  // One request over HTTP and one over gRPC reach the model, with the proxy and without; the binary one is refused before.
  await untilCounted((rows) => sumOf(rows, "requests") >= 4);
  const counted = ["requests", "errors", "latency_count"].map((measure) => [
    measure,
    sumOf(spooledMetrics(spool), measure),
  ]);
  say(`its metrics: ${JSON.stringify(counted)}`);
  ok(sumOf(spooledMetrics(spool), "memory_bytes") > 10e6, "the memory of MLServer is known");
} finally {
  await agent.stop();
  mlserver.kill("SIGTERM");
  await once(mlserver, "exit");
}

const rows = framesIn(spool)
  .flatMap(({ sections }) => sections)
  .filter(({ table }) => table === "predictions")
  .flatMap(({ payload }) => rowsOf(readBlock(payload)));
const heard = rows.map(({ model, version, label, error, num }) => ({
  model,
  version,
  label,
  error,
  num,
}));
const answered = heard.filter(({ error }) => error === "");
say(`in the spool: ${JSON.stringify(heard)}`);
// Two rows over HTTP and two over gRPC were answered; the binary request over HTTP was refused by MLServer.
deepStrictEqual(answered.length, 4);
for (const [i, { model, version, label, num }] of answered.entries()) {
  deepStrictEqual([model, version, label], ["iris", "v7", i % 2 === 0 ? "0" : "2"]);
  deepStrictEqual(
    new Map(z.array(z.tuple([z.string(), z.number()])).parse(num)).get("predict[0]"),
    i % 2 === 0 ? 5.1 : 6.7,
  );
}
ok(heard.some(({ error }) => error === "http_422"));
rmSync(folder, { recursive: true, force: true });

function python(name: string, ...args: readonly string[]): unknown {
  const { status, stdout, stderr } = spawnSync(join(programs, "python"), [script(name), ...args], {
    encoding: "utf8",
  });
  ok(status === 0, `${name} ended with ${status}: ${stderr}`);
  return stdout === "" ? null : JSON.parse(stdout);
}

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  const deadline = systemClock.monotonicMs() + READY_WITHIN_MS;
  for (;;) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.status === 200) return;
    ok(server.exitCode === null, "MLServer ended");
    ok(systemClock.monotonicMs() < deadline, `MLServer is not ready: ${answer?.status}`);
    await systemClock.sleep(250);
  }
}

function sumOf(rows: readonly Row[], measure: string): number {
  return rows
    .filter((row) => row["measure"] === measure)
    .reduce((sum, { value }) => sum + Number(value), 0);
}

/** Resolves once its metrics were read: it names no model before the first request, whose counters then begin at zero. */
async function untilRead(): Promise<void> {
  const Self = z.object({ scrape: z.array(z.looseObject({ up: z.boolean() })) });
  const end = performance.now() + 30_000;
  for (;;) {
    const self = Self.parse(await (await fetch(`${agent.url}/api/v1/self`)).json());
    if (self.scrape.some(({ up }) => up)) return;
    ok(performance.now() < end, "the metrics of MLServer are read");
    await systemClock.sleep(200);
  }
}

/** Resolves when the samples in the spool are as they should be. */
async function untilCounted(isThere: (rows: readonly Row[]) => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!isThere(spooledMetrics(spool))) {
    ok(performance.now() < end, "what MLServer counts reaches the spool");
    await systemClock.sleep(200);
  }
}

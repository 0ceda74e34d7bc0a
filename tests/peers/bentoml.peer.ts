/**
 * A real BentoML service with its own monitor, exporting to an agent: what it logs is in the spool as predictions and
 * labels, also what comes after a restart of the agent, when the service describes its columns no more.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBlock } from "../../contract/native-block.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { framesIn, startAgentProcess, until } from "../agent/agent-process.ts";
import { type Row, rowsOf } from "../agent/capture-harness.ts";
import { freePort } from "../support/free-port.ts";
import { pythonWith } from "./support/python-venv.ts";

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const READY_WITHIN_MS = 120_000;
const SPOOLED_WITHIN_MS = 60_000;

const programs = pythonWith(["bentoml[monitor-otlp]>=1.4,<2"]);
const [port, agentPort] = [await freePort(), await freePort()];
const folder = mkdtempSync(join(tmpdir(), "driftmend-peer-bentoml-"));
const spool = join(folder, "spool");
const agentSettings = { DRIFTMEND_OTLP_HTTP_PORT: String(agentPort) };

let agent = await startAgentProcess(spool, agentSettings);
const service = spawn(
  join(programs, "bentoml"),
  ["serve", "service:Iris", "--port", String(port)],
  {
    cwd: join(import.meta.dirname, "bentoml"),
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...processEnvironment(),
      PATH: `${programs}:${processEnvironment()["PATH"] ?? ""}`,
      MONITOR_ENDPOINT: `http://127.0.0.1:${agentPort}/v1/logs`,
      OTEL_BLRP_SCHEDULE_DELAY: "200",
      BENTOML_HOME: join(folder, "home"),
      BENTOML_DO_NOT_TRACK: "True",
      PYTHONDONTWRITEBYTECODE: "1",
    },
  },
);
try {
  await untilReady(service);
  await classify([1.4, 5.1]);
  await spooled(2);
  say(`described by their first record: ${JSON.stringify(rowsIn("predictions"))}`);
  await agent.stop();
  agent = await startAgentProcess(spool, agentSettings);
  await classify([6.2]);
  await spooled(3);
} finally {
  await agent.stop();
  service.kill("SIGTERM");
  await once(service, "exit");
}

const predictions = rowsIn("predictions");
say(`after a restart: ${JSON.stringify(predictions.at(-1))}`);
deepStrictEqual(
  predictions.map(({ model, num, cat, label, score }) => ({ model, num, cat, label, score })),
  [1.4, 5.1, 6.2].map((length) => ({
    model: "iris",
    num: [["petal length", length]],
    cat: [["place", "garden"]],
    label: length < 3 ? "setosa" : "virginica",
    score: 0.75,
  })),
);
const ids = predictions.map(({ id }) => String(id));
deepStrictEqual(ids[1], `${ids[0]}/1`);
ok(!ids.some((id) => id.startsWith("None")));
deepStrictEqual(
  rowsIn("labels").map(({ id, label }) => [id, label]),
  predictions.map(({ id, label }) => [id, label]),
);
deepStrictEqual(rowsIn("dead_letters"), []);
rmSync(folder, { recursive: true, force: true });

async function classify(lengths: readonly number[]): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/classify`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ lengths }),
  });
  ok(response.status === 200, `BentoML answered ${response.status}`);
}

function rowsIn(table: "predictions" | "labels" | "dead_letters"): readonly Row[] {
  return framesIn(spool)
    .flatMap(({ sections }) => sections)
    .filter((section) => section.table === table)
    .flatMap(({ payload }) => rowsOf(readBlock(payload)));
}

function spooled(count: number): Promise<void> {
  const isThere = (): boolean => rowsIn("predictions").length >= count;
  return until(isThere, `${count} rows are spooled`, SPOOLED_WITHIN_MS);
}

async function untilReady(server: ChildProcess): Promise<void> {
  const deadline = systemClock.monotonicMs() + READY_WITHIN_MS;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.status === 200) return;
    ok(server.exitCode === null, "BentoML ended");
    ok(systemClock.monotonicMs() < deadline, `BentoML is not ready: ${answer?.status}`);
    await systemClock.sleep(250);
  }
}

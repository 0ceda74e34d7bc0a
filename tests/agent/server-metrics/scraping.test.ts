/** The real agent reads real endpoints: what they count is in the spool once, over kills of the agent and restarts of the server. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Counter, Histogram, Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { gpusOf } from "../../../agent/server-metrics/local-figures.ts";
import { readTargets, targetsOfDocuments } from "../../../agent/server-metrics/targets.ts";
import { ScrapeOwner } from "../../../agent/server-metrics/scrape-owner.ts";
import { processEnvironment } from "../../../runtime/env.ts";
import { freePort } from "../../support/free-port.ts";
import { startAgentProcess, temporaryFolder, until } from "../agent-process.ts";
import { spooledMetrics } from "../capture-harness.ts";

/** Names of MLServer's, as prom-client writes them. */
function modelServer() {
  const registers = [new Registry()];
  const labelNames = ["model", "version"];
  const options = { help: "h", labelNames, registers };
  const success = new Counter({ name: "model_infer_request_success_total", ...options });
  const failure = new Counter({ name: "model_infer_request_failure_total", ...options });
  const cpu = new Counter({ name: "process_cpu_seconds_total", help: "h", registers });
  new Histogram({ name: "other_seconds", help: "h", registers }).observe(1);
  return { success, failure, cpu, text: () => registers[0]?.metrics() ?? "" };
}

let current = modelServer();
let reads = 0;
let server: Server;
let port = 0;
const LABELS = { model: "iris", version: "v7" };

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === "/nonsense") response.end("<html>no metrics</html>\n");
    else if (request.url === "/never") return;
    else {
      reads++;
      void Promise.resolve(current.text()).then((text) => response.end(text));
    }
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const Self = z.object({
  scrape: z.array(
    z.looseObject({
      target: z.string(),
      up: z.boolean(),
      failures: z.number(),
      error: z.string().nullable(),
      models: z.array(z.string()),
    }),
  ),
});
const stateOf = async (url: string) =>
  Self.parse(await (await fetch(`${url}/api/v1/self`)).json()).scrape;

describe("an endpoint", () => {
  it("is counted once, over kills of the agent and a restart of the server, whatever others do", async () => {
    const folder = temporaryFolder();
    const at = (path: string): string => `http://127.0.0.1:${port}${path}`;
    const deadPort = await freePort();
    const start = () =>
      startAgentProcess(folder.path, {
        DRIFTMEND_SCRAPE: `mlserver=${at("/metrics")},${at("/nonsense")},${at("/never")},http://127.0.0.1:${deadPort}/metrics`,
        DRIFTMEND_SCRAPE_SECONDS: "1",
      });
    const nextReads = async (count: number): Promise<void> => {
      const before = reads;
      await until(() => reads >= before + count, "it is read again");
    };
    const sum = (measure: string): number =>
      spooledMetrics(folder.path)
        .filter((row) => row["measure"] === measure && row["model"] === "iris")
        .reduce((total, { value }) => total + Number(value), 0);
    current.success.inc(LABELS, 1000);
    let agent = await start();
    await nextReads(2);
    let counted = 0;
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 40; i++) {
        current.success.inc(LABELS, 3);
        current.failure.inc(LABELS, 1);
        current.cpu.inc(0.01);
        counted += 4;
        await new Promise((done) => setTimeout(done, 10));
      }
      await agent.kill();
      agent = await start();
    }
    await nextReads(1);
    current = modelServer();
    current.success.inc(LABELS, 7);
    counted += 7;
    await until(
      () => sum("requests") === counted,
      `${counted} requests are counted, ${sum("requests")} are`,
    );
    // The first failure of all was there before the agent could compare.
    expect(sum("errors")).toBe(80);
    expect(
      spooledMetrics(folder.path).some(
        ({ measure, value }) => measure === "cpu_cores" && Number(value) > 0,
      ),
    ).toBe(true);
    await until(
      async () => (await stateOf(agent.url)).every(({ up, failures }) => up || failures > 0),
      "all were tried",
      15_000,
    );
    const states = await stateOf(agent.url);
    const [read, nonsense, never, dead] = states;
    expect(read).toMatchObject({ up: true, models: ["iris"], error: null });
    expect(nonsense?.error).toMatch(/line 1 is no sample/);
    expect(never?.error).toMatch(/no answer within 5000 ms/);
    expect(dead?.error).toMatch(/ECONNREFUSED/);
    await agent.kill();
    folder.remove();
  }, 60_000);

  it("that several models' documents name is one, and one agent of several reads it", () => {
    const documents = [
      ["a", { service: { metrics: "http://s:8002/metrics" } }],
      ["b", { service: { metrics: "http://s:8002/metrics" } }],
      ["c", {}],
      ["d", { service: { metrics: "file:///etc/passwd" } }],
    ] as const;
    const targets = targetsOfDocuments(documents, 30_000);
    expect(targets).toMatchObject([
      { url: "http://s:8002/metrics", models: ["a", "b"], instance: "s:8002" },
    ]);
    const agents = ["1", "2", "3"];
    const owners = agents.map(() => new ScrapeOwner());
    const hearAll = (nowMs: number, who: readonly string[]) =>
      owners.forEach((owner) => {
        who.forEach((agent) => owner.hear(agent, nowMs));
        owner.look(nowMs);
      });
    const readersOf = (url: string) =>
      agents.filter((agent, i) => owners[i]?.isOurs(url, agent) === true);
    hearAll(0, agents);
    expect(readersOf("u")).toEqual([]);
    hearAll(16_000, agents);
    for (let i = 0; i < 50; i++) expect(readersOf(`u${i}`)).toHaveLength(1);
    const [gone] = readersOf("u0");
    const left = agents.filter((agent) => agent !== gone);
    hearAll(40_000, left);
    expect(readersOf("u0").filter((agent) => agent !== gone)).toHaveLength(1);
  });
});

describe("this machine", () => {
  it("tells of processes and of GPUs", async () => {
    const folder = temporaryFolder();
    const programs = join(folder.path, "programs");
    mkdirSync(programs);
    const smi = join(programs, "nvidia-smi");
    writeFileSync(
      smi,
      '#!/bin/sh\necho "0, 35, 1024, 81559, 212.40"\necho "1, [N/A], 2048, 81559, [N/A]"\n',
    );
    chmodSync(smi, 0o755);
    const file = join(folder.path, "scrape.yaml");
    writeFileSync(
      file,
      `local: [{ model: iris, pid: ${process.pid}, gpus: all, every: 1s, instance: here }]\n`,
    );
    const spool = join(folder.path, "spool");
    const agent = await startAgentProcess(spool, {
      DRIFTMEND_SCRAPE: file,
      PATH: `${programs}:${processEnvironment()["PATH"] ?? ""}`,
    });
    const found = (measure: string, part = "") =>
      spooledMetrics(spool).filter((row) => row["measure"] === measure && row["part"] === part);
    await until(() => found("cpu_cores").length > 0, "two readings were made");
    expect(found("memory_bytes")[0]?.["value"]).toBeGreaterThan(10e6);
    expect(found("gpu_utilisation", "0")[0]).toMatchObject({
      value: expect.closeTo(0.35),
      instance: "here",
      source: "local",
      model: "iris",
    });
    expect(found("gpu_memory_bytes", "1")[0]).toMatchObject({ value: 2048 * 1024 * 1024 });
    expect(found("gpu_utilisation", "1")).toEqual([]);
    await agent.kill();
    folder.remove();
  }, 30_000);

  it("has GPUs by number, and no figure where one says none", () => {
    expect(
      gpusOf("0, 5, 1, 2, 3\n1, 6, 1, 2, 3\n", [1]).map(
        ({ part, measure }) => `${part} ${measure}`,
      ),
    ).toEqual([
      "1 gpu_utilisation",
      "1 gpu_memory_bytes",
      "1 gpu_memory_total_bytes",
      "1 gpu_power_watts",
    ]);
    expect(gpusOf("NVIDIA-SMI has failed\n", "all")).toEqual([]);
  });
});

describe("the setting", () => {
  const defaults = { everyMs: 30_000, host: "h", presets: ["triton"] };
  it("takes addresses with and without preset", () => {
    expect(
      readTargets("triton=http://a:8002/metrics, http://b/metrics", defaults).endpoints,
    ).toMatchObject([
      { url: "http://a:8002/metrics", preset: "triton", instance: "a:8002", everyMs: 30_000 },
      { url: "http://b/metrics", preset: null },
    ]);
  });

  it.each([
    "trito=http://a/metrics",
    "file:///etc/passwd",
    "http://a/metrics,,",
    "there-is-no-such.yaml",
  ])("says what is wrong: %s", (setting) => {
    expect(() => readTargets(setting, defaults)).toThrow(/Cannot read metrics of model servers/);
  });
});

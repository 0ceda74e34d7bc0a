import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startOf } from "../../../cli/up/process-table.ts";
import type { ReadyFile } from "../../../contract/ready-file.ts";
import { processEnvironment } from "../../../runtime/env.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { natsAddress } from "../../../runtime/nats-address.ts";
import { connectNats } from "../../../runtime/nats.ts";
import { type StartedUp, readyOf, recordedPids, startUp } from "./started-up.ts";

const SYSTEM_TIMEOUT_MS = 180_000;
const folder = mkdtempSync(join(tmpdir(), "driftmend-up-"));
const started: StartedUp[] = [];

afterAll(async () => {
  for (const up of started) {
    if (up.process.exitCode === null) up.process.kill("SIGKILL");
    await up.exited;
  }
  rmSync(folder, { recursive: true, force: true });
});

function start(
  dataDir: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): StartedUp {
  const up = startUp(dataDir, args, env);
  started.push(up);
  return up;
}

function driftmend(
  args: readonly string[],
  dataDir: string,
): { status: number | null; stdout: string } {
  const program = resolve(import.meta.dirname, "..", "..", "..", "cli", "main.ts");
  return spawnSync(process.execPath, [program, ...args, "--data-dir", dataDir], {
    encoding: "utf8",
    env: { ...processEnvironment(), NO_COLOR: "1" },
  });
}

const aliveOf = (pids: Record<string, number>): string[] =>
  Object.entries(pids)
    .filter(([, pid]) => startOf(pid) !== undefined)
    .map(([name]) => name);

const Self = z.object({
  processes: z.array(z.looseObject({ name: z.string(), kind: z.string(), restarts: z.int() })),
});

async function selfOf(ready: ReadyFile): Promise<z.infer<typeof Self>> {
  const headers = { authorization: `Bearer ${ready.readToken}` };
  return Self.parse(await (await fetch(`${ready.url}/api/v1/self`, { headers })).json());
}

describe("driftmend up", { timeout: SYSTEM_TIMEOUT_MS }, () => {
  const dataDir = join(folder, "data");
  const readyFile = join(folder, "elsewhere.json");
  let up: StartedUp;
  let ready: ReadyFile;

  beforeAll(async () => {
    up = start(dataDir, ["--ready-file", readyFile]);
    ready = await readyOf(up, dataDir);
  }, SYSTEM_TIMEOUT_MS);

  afterEach(() => {
    if (up.process.exitCode !== null) process.stderr.write(up.output());
  });

  it("prints where it answers, and writes that down for its owner only", async () => {
    // The file comes first, since who waits for it wants to go on; the lines follow.
    const said = `API         ${ready.url}\nOTLP/HTTP   ${ready.otlpHttp} `;
    await expect.poll(() => up.output(), { timeout: 10_000 }).toContain(said);
    expect((statSync(join(dataDir, "ready.json")).mode & 0o777).toString(8)).toBe("600");
    expect(existsSync(readyFile)).toBe(true);
    expect((await fetch(`${ready.url}/readyz`)).status).toBe(200);
    expect((await fetch(`${ready.otlpHttp}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${ready.url}/metrics`)).text();
    expect(metrics).toMatch(/driftmend_up_resident_bytes\{[^}]*\} \d{8,}/);
  });

  it("lets nobody on this machine publish who has not read ready.json, and shows it nowhere else", async () => {
    const { shown, credentials } = natsAddress(ready.nats);
    const reach = (url: string) => connectNats({ url, name: "test" }, { logger: silentLogger });
    await expect(reach(shown)).rejects.toMatchObject({ code: "nats_unreachable" });
    await (await reach(ready.nats)).close();
    expect(credentials.kind).toBe("user");
    const secret = credentials.kind === "user" ? credentials.password : "";
    expect((statSync(join(dataDir, "nats", "nats-server.conf")).mode & 0o777).toString(8)).toBe(
      "600",
    );
    const logs = readdirSync(join(dataDir, "logs")).map((name) => join(dataDir, "logs", name));
    expect(logs.length).toBeGreaterThan(0);
    const said = logs.map((path) => readFileSync(path, "utf8")).join("\n");
    expect(up.output() + said + driftmend(["doctor"], dataDir).stdout).not.toContain(secret);
    const { processes } = await selfOf(ready);
    expect(JSON.stringify(processes)).not.toContain(secret);
  });

  it("has an account for Grafana that may read the tables and nothing more", async () => {
    const { url, readUser, readPassword } = ready.clickhouse;
    const ask = (body: string): Promise<Response> =>
      fetch(url, {
        method: "POST",
        body,
        headers: { "X-ClickHouse-User": readUser, "X-ClickHouse-Key": readPassword },
      });
    expect((await (await ask("SELECT count() FROM alerts FINAL")).text()).trim()).toBe("0");
    for (const sql of [
      "INSERT INTO alerts (id) VALUES ('x')",
      "SYSTEM FLUSH LOGS",
      `SELECT * FROM file('${join(dataDir, "credentials.json")}', 'RawBLOB')`,
      "SELECT * FROM url('http://127.0.0.1:9/', 'CSV', 'a UInt8')",
    ]) {
      expect(await (await ask(sql)).text()).toMatch(/Not enough privileges/);
    }
  });

  it("runs every part as a process of its own", async () => {
    const { processes } = await selfOf(ready);
    expect(processes.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      "nats-server ready",
      "store ready",
      "collector ready",
      "analyzer ready",
      "retrainer ready",
      "agent ready",
    ]);
    expect(Object.keys(recordedPids(dataDir)).toSorted()).toEqual(
      processes.map(({ name }) => name).toSorted(),
    );
  });

  it("is found by the other commands", () => {
    const status = driftmend(["status"], dataDir);
    expect(status.status).toBe(0);
    expect(status.stdout).toContain(`at ${ready.url}`);
    const doctor = driftmend(["doctor"], dataDir);
    expect(doctor).toMatchObject({ status: 0 });
    expect(doctor.stdout).not.toContain("wrong");
    for (const command of [
      ["alerts"],
      ["model", "list"],
      ["dead-letters", "list"],
      ["quarantine", "list"],
    ]) {
      expect(driftmend(command, dataDir)).toMatchObject({ status: 0, stderr: "" });
    }
  });

  it("takes a prediction in, and shows it as it was decoded", async () => {
    const line = JSON.stringify({
      model: "wines",
      version: "1",
      id: "w1",
      features: { alcohol: 12.5, region: "north" },
      score: 0.25,
      tags: { "client.version": "7" },
    });
    const response = await fetch(`${ready.otlpHttp}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${ready.token}`, "content-type": "application/x-ndjson" },
      body: line,
    });
    expect(response.status).toBe(200);
    await expect
      .poll(() => driftmend(["tail", "wines"], dataDir).stdout, { timeout: 30_000, interval: 500 })
      .toContain("w1  1          0.25  alcohol=12.5 region=north client.version=7");
  });

  it("keeps what could not be taken, shows it, and takes it in once it was put right", async () => {
    const wrong = { model: "wines", features: { alcohol: 11 }, score: 0.5 };
    await fetch(`${ready.otlpHttp}/v1/events`, { method: "POST", body: JSON.stringify(wrong) });
    const List = z.object({
      letters: z.array(z.object({ letter: z.string(), reason: z.string(), model: z.string() })),
    });
    const listed = (): z.output<typeof List>["letters"] =>
      List.parse(JSON.parse(driftmend(["dead-letters", "list", "--json"], dataDir).stdout)).letters;
    await expect.poll(listed, { timeout: 30_000, interval: 500 }).toHaveLength(1);
    const [{ letter, reason } = { letter: "", reason: "" }] = listed();
    expect(reason).toBe("id_missing");
    expect(driftmend(["dead-letters", "show", letter], dataDir).stdout).toContain(
      JSON.stringify(wrong.features),
    );
    expect(driftmend(["dead-letters", "resend", letter], dataDir)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining("0 taken in, 1 set aside again"),
    });
    const file = join(dataDir, "right.jsonl");
    writeFileSync(file, JSON.stringify({ ...wrong, id: "w2" }));
    expect(driftmend(["dead-letters", "resend", "--file", file], dataDir)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("1 taken in"),
    });
  });

  it("cannot be started twice on one folder, and says who runs there", async () => {
    const second = start(dataDir);
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain(
      `Cannot start on "${dataDir}" as only one process may use a data directory: process ${up.process.pid} runs on it`,
    );
  });

  it("never moves a port that was asked for", async () => {
    const busy = new URL(ready.url).port;
    const second = start(join(folder, "second"), ["--port", busy]);
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain(
      `Cannot start the API on 127.0.0.1:${busy} as the port must be free: another program listens there [port_in_use]\n  → Stop that program, or name another port with --port`,
    );
  });

  it("starts an engine again that dies, and says both", async () => {
    const pids = recordedPids(dataDir);
    process.kill(pids["store"] ?? 0, "SIGKILL");
    await expect
      .poll(() => up.output(), { timeout: 60_000 })
      .toMatch(
        /store ended \(signal SIGKILL\); starting it again in [\d.]+ s\n(.*\n)*store is back/,
      );
    process.kill(pids["nats-server"] ?? 0, "SIGKILL");
    await expect
      .poll(() => up.output(), { timeout: 60_000 })
      .toMatch(/nats-server ended \(signal SIGKILL\).*\n(.*\n)*nats-server is back/);
    expect(driftmend(["tail", "wines"], dataDir).stdout).toContain("w1");
    const { processes } = await selfOf(ready);
    expect(processes.filter(({ restarts }) => restarts > 0).map(({ name }) => name)).toEqual([
      "nats-server",
      "store",
    ]);
  });

  it("ends nothing but itself when it is killed, yet leaves nobody behind, and goes on from there", async () => {
    const pids = recordedPids(dataDir);
    const before = natsAddress(ready.nats).credentials;
    up.process.kill("SIGKILL");
    await up.exited;
    up = start(dataDir);
    ready = await readyOf(up, dataDir);
    expect(natsAddress(ready.nats).credentials).toEqual(before);
    expect(aliveOf(pids)).toEqual([]);
    expect(driftmend(["tail", "wines"], dataDir).stdout).toContain("w1");
  });

  it("stops in order on Ctrl-C, and leaves no process and no address behind", async () => {
    const pids = recordedPids(dataDir);
    up.process.kill("SIGINT");
    expect(await up.exited).toBe(0);
    expect(up.output()).toMatch(/Stopped in .*; the next start goes on from here\n$/);
    expect(aliveOf(pids)).toEqual([]);
    expect(existsSync(join(dataDir, "ready.json"))).toBe(false);
  });
});

it("a failure at the start stops what runs already, with its reason", {
  timeout: SYSTEM_TIMEOUT_MS,
}, async () => {
  const dataDir = join(folder, "failing");
  const config = join(folder, "wrong.yaml");
  writeFileSync(config, "collector: { reconcile_seconds: soon }\n");
  const up = start(dataDir, ["--config", config]);
  expect(await up.exited).toBe(1);
  expect(up.output()).toContain('DRIFTMEND_RECONCILE_SECONDS: expected a whole number: "soon"');
  expect(aliveOf(recordedPids(dataDir))).toEqual([]);
});

it("without a nats-server nothing starts, and it is said how to get one", async () => {
  const up = start(join(folder, "no-nats"), [], { NATS_SERVER: join(folder, "none") });
  expect(await up.exited).toBe(1);
  expect(up.output()).toContain(
    `Cannot start the transport as a nats-server (2.9 or newer) must be installed: NATS_SERVER names "${join(folder, "none")}", which is not an executable file [nats_server_missing]\n  → Install it from`,
  );
});

it("a second Ctrl-C ends everything at once", { timeout: SYSTEM_TIMEOUT_MS }, async () => {
  const dataDir = join(folder, "impatient");
  const up = start(dataDir);
  await readyOf(up, dataDir);
  const pids = recordedPids(dataDir);
  // A stopped process cannot leave in order.
  process.kill(pids["collector"] ?? 0, "SIGSTOP");
  up.process.kill("SIGINT");
  await expect.poll(() => up.output()).toContain("Stopping in order");
  up.process.kill("SIGINT");
  expect(await up.exited).toBe(130);
  await expect.poll(() => aliveOf(pids), { timeout: 5_000 }).toEqual([]);
});

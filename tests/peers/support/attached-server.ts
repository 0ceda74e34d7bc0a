/**
 * A server of a guide against the real agent: it is asked for batches with failures among them, told labels, and goes on
 * while the agent is killed, comes back full, and comes back with room. What lies in the spool must be what was asked.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { readBlock } from "../../../contract/native-block.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { processEnvironment } from "../../../runtime/env.ts";
import {
  type AgentProcess,
  eventLines,
  framesIn,
  startAgentProcess,
} from "../../agent/agent-process.ts";
import { type Row, rowsOf } from "../../agent/capture-harness.ts";
import { freePort } from "../../support/free-port.ts";

export const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** How a server of a guide is started, and how it speaks to the agent. */
export interface AttachedServer {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd: string;
  readonly transport: "http" | "grpc";
  readonly env?: Readonly<Record<string, string>>;
  /** `always`: also where nothing listens; `when told`: only where the agent says when. */
  readonly triesAgain: "always" | "when told" | "never";
}

const MODEL = "card-fraud";
const BATCHES = 30;
const ROWS = 5;
const READY_WITHIN_MS = 60_000;
const TAKEN_WITHIN_MS = 90_000;
/** What the agent tells those to wait who come while its spool is full. */
const RETRY_AFTER_MS = 5_000;

const Answer = z.array(
  z.object({ id: z.string(), score: z.number().optional(), error: z.string().optional() }),
);

interface Asked {
  readonly amount: number;
  readonly country: string;
}

export async function proveServer(attached: AttachedServer): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-peer-attached-"));
  const [http, grpc, port] = [await freePort(), await freePort(), await freePort()] as const;
  const startAgent = (more: Readonly<Record<string, string>> = {}): Promise<AgentProcess> =>
    startAgentProcess(folder, {
      DRIFTMEND_OTLP_HTTP_PORT: String(http),
      DRIFTMEND_OTLP_GRPC_PORT: String(grpc),
      ...more,
    });
  const [program, ...args] = attached.command;
  const server = spawn(program, args, {
    cwd: attached.cwd,
    stdio: ["ignore", "inherit", "pipe"],
    env: {
      ...processEnvironment(),
      PORT: String(port),
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${attached.transport === "http" ? http : grpc}`,
      ...attached.env,
    },
  });
  let said = "";
  server.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  let agent = await startAgent();
  try {
    const book = new Map<string, Asked>();
    const url = `http://127.0.0.1:${port}`;
    await askWhenReady(url, server, book);
    await until(folder, book.size);
    await ask(url, book, BATCHES);
    if (attached.triesAgain === "always") {
      await agent.kill();
      await ask(url, book, BATCHES);
      agent = await startAgent();
    }
    await until(folder, book.size);
    const how =
      attached.triesAgain === "always" ? ", the agent killed and started again meanwhile" : "";
    say(`${attached.name}: ${book.size} predictions${how}`);
    if (attached.triesAgain !== "never") {
      agent = await throughFullSpool(attached.name, agent, startAgent, () =>
        ask(url, book, BATCHES),
      );
    }
    await until(folder, book.size);
    const labelled = [...book].filter(([, { amount }]) => amount >= 0);
    for (const [id, { amount }] of labelled) {
      await post(`${url}/feedback`, { id, label: amount > 500 ? "fraud" : "ok" });
    }
    server.kill("SIGTERM");
    await once(server, "exit");
    compare(folder, book, new Map(labelled));
    say(
      `${attached.name}: ${book.size} predictions and ${labelled.length} labels, each once and as it was sent`,
    );
  } catch (error) {
    process.stderr.write(said);
    throw error;
  } finally {
    server.kill("SIGKILL");
    await agent.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The agent refuses with Retry-After until it has room again; nothing is lost, and the exporter waits as it was told. */
async function throughFullSpool(
  name: string,
  agent: AgentProcess,
  startAgent: (more?: Readonly<Record<string, string>>) => Promise<AgentProcess>,
  askOn: () => Promise<void>,
): Promise<AgentProcess> {
  await agent.post("/v1/events", eventLines(["filler"], "filler"));
  await agent.stop();
  const full = await startAgent({ DRIFTMEND_SPOOL_BYTES_MAX: "1" });
  const refusals = async (): Promise<number> =>
    (await full.self()).totals["refused.spool_full"] ?? 0;
  await askOn();
  const deadlineMs = systemClock.monotonicMs() + TAKEN_WITHIN_MS;
  while ((await refusals()) === 0) {
    ok(systemClock.monotonicMs() < deadlineMs, "it is refused");
    await systemClock.sleep(20);
  }
  await systemClock.sleep(RETRY_AFTER_MS - 3_000);
  deepStrictEqual(await refusals(), 1, "nothing comes before Retry-After is over");
  say(`${name}: refused once, and back when it was told to be`);
  await full.stop();
  return startAgent();
}

async function askWhenReady(
  url: string,
  server: ChildProcess,
  book: Map<string, Asked>,
): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + READY_WITHIN_MS;
  for (;;) {
    try {
      await ask(url, book, 1);
      return;
    } catch (error) {
      ok(server.exitCode === null, `the server ended with ${server.exitCode}`);
      if (systemClock.monotonicMs() > deadlineMs) throw error;
      await systemClock.sleep(100);
    }
  }
}

async function ask(url: string, book: Map<string, Asked>, batches: number): Promise<void> {
  for (let batch = 0; batch < batches; batch++) {
    const rows = Array.from({ length: ROWS }, (_, row): Asked => {
      const serial = book.size + row;
      // One of eleven fails.
      const amount = serial % 11 === 3 ? -1 : 12.5 + ((serial * 37) % 1_000);
      return { amount, country: ["DE", "FR", "Österreich"][serial % 3] ?? "" };
    });
    const body = rows.map(({ amount, country }) => ({ amount_eur: amount, country }));
    const answers = Answer.parse(await post(`${url}/predict`, body));
    for (const [i, { id }] of answers.entries())
      book.set(id, rows[i] ?? { amount: 0, country: "" });
  }
}

async function post(url: string, body: object): Promise<unknown> {
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  ok(answer.ok, `${url} answers ${answer.status}`);
  return answer.json();
}

function spooled(folder: string, table: "predictions" | "labels"): Row[] {
  return framesIn(folder)
    .flatMap(({ sections }) => sections)
    .filter((section) => section.table === table)
    .flatMap(({ payload }) => rowsOf(readBlock(payload)))
    .filter(({ model }) => model === MODEL);
}

async function until(folder: string, predictions: number): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + TAKEN_WITHIN_MS;
  while (spooled(folder, "predictions").length < predictions) {
    const came = spooled(folder, "predictions").length;
    ok(systemClock.monotonicMs() < deadlineMs, `${came} of ${predictions} predictions came`);
    await systemClock.sleep(200);
  }
}

function compare(
  folder: string,
  book: ReadonlyMap<string, Asked>,
  labelled: ReadonlyMap<string, Asked>,
): void {
  const predictions = spooled(folder, "predictions").map(
    ({ id, version, score, error, num, cat, tags, latency }) => {
      ok(
        typeof latency === "number" && latency >= 0 && latency < 60,
        `a latency of ${String(latency)}`,
      );
      return { id, version, score, failed: error !== "", num, cat, tags };
    },
  );
  const wanted = [...book].map(([id, { amount, country }]) => ({
    id,
    version: "7",
    score: amount < 0 ? Number.NaN : amount / (amount + 100),
    failed: amount < 0,
    num: [["amount_eur", amount]],
    cat: [["country", country]],
    tags: [["channel", "web"]],
  }));
  deepStrictEqual(byId(predictions), byId(wanted));
  const labels = spooled(folder, "labels").map(({ id, label }) => ({ id, label }));
  const told = [...labelled].map(([id, { amount }]) => ({
    id,
    label: amount > 500 ? "fraud" : "ok",
  }));
  deepStrictEqual(byId(labels), byId(told));
}

const byId = <T extends { readonly id: unknown }>(rows: readonly T[]): T[] =>
  rows.toSorted((a, b) => String(a.id).localeCompare(String(b.id)));

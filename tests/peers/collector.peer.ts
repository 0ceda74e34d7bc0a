/**
 * A real OpenTelemetry Collector in front, configured as docs/attach/collector.md says, over HTTP and gRPC with gzip and
 * zstd, with the agent gone for a while; and the Collector's own generator of telemetry, by many workers at once over
 * both transports, straight to the agent and through the Collector.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBlock } from "../../contract/native-block.ts";
import { systemClock } from "../../runtime/clock.ts";
import { type AgentProcess, framesIn, startAgentProcess } from "../agent/agent-process.ts";
import { type Row, rowsOf } from "../agent/capture-harness.ts";
import { freePort } from "../support/free-port.ts";
import { skip } from "./support/debian-package.ts";
import { type Program, goProgram } from "./support/go-program.ts";
import { guideFiles } from "./support/guide-code.ts";

const WITHIN_MS = 60_000;
const BATCHES = 40;
const ROWS = 25;
const WORKERS = 8;
const RECORDS = 250;
/** A second and worker: above it the queue of its own batches of spans overflows. */
const RATE = "250";
const GENERATOR = "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen";

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const pathOf = (program: Program): string =>
  "path" in program ? program.path : skip(program.missing);
const collectorPath = pathOf(goProgram("otel-collector"));
const generatorPath = pathOf(goProgram("telemetrygen", { main: GENERATOR }));
const guide = guideFiles("attach/collector.md");
const folder = mkdtempSync(join(tmpdir(), "driftmend-peer-collector-"));
const [agentHttp, agentGrpc] = [String(await freePort()), String(await freePort())] as const;

interface Exporter {
  readonly name: string;
  /** What the guide's exporter becomes. */
  readonly change: (text: string) => string;
}
const overGrpc = (text: string, compression: string): string =>
  text
    .replaceAll("otlphttp/driftmend", "otlp/driftmend")
    .replace(
      "endpoint: http://127.0.0.1:4318",
      'endpoint: "127.0.0.1:4317"\n    tls: { insecure: true }',
    )
    .replace("compression: zstd", `compression: ${compression}`);
const EXPORTERS: readonly Exporter[] = [
  { name: "HTTP, zstd", change: (text) => text },
  { name: "HTTP, gzip", change: (text) => text.replace("zstd", "gzip") },
  { name: "gRPC, zstd", change: (text) => overGrpc(text, "zstd") },
  { name: "gRPC, gzip", change: (text) => overGrpc(text, "gzip") },
];

try {
  for (const exporter of EXPORTERS) await throughOutage(exporter);
  await generated();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function startAgent(spool: string): Promise<AgentProcess> {
  return startAgentProcess(spool, {
    DRIFTMEND_OTLP_HTTP_PORT: agentHttp,
    DRIFTMEND_OTLP_GRPC_PORT: agentGrpc,
  });
}

interface Collector extends AsyncDisposable {
  readonly http: string;
  readonly grpc: string;
  said(): string;
}

/** @param more another file of its configuration */
async function startCollector({ change }: Exporter, more = ""): Promise<Collector> {
  const [http, grpc] = [String(await freePort()), String(await freePort())] as const;
  const files = [
    ...[...guide].map(([name, text]) => [name, change(text)] as const),
    ["more.yaml", more] as const,
  ];
  for (const [name, text] of files) {
    const placed = text
      .replace(":14318", `:${http}`)
      .replace(":14317", `:${grpc}`)
      .replace(":4318", `:${agentHttp}`)
      .replace(":4317", `:${agentGrpc}`);
    writeFileSync(join(folder, name), placed);
  }
  const names = ["config.yaml", "driftmend.yaml", ...(more === "" ? [] : ["more.yaml"])];
  const child = spawn(
    collectorPath,
    names.flatMap((name) => ["--config", name]),
    {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await until(
    "the Collector is ready",
    () => said.includes("Everything is ready"),
    () => said,
  );
  return {
    http: `127.0.0.1:${http}`,
    grpc: `127.0.0.1:${grpc}`,
    said: () => said,
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

/** Logs and spans that are predictions, and labels; the agent is killed in the midst and comes back. */
async function throughOutage(exporter: Exporter): Promise<void> {
  const spool = mkdtempSync(join(folder, "spool-"));
  let agent = await startAgent(spool);
  try {
    await using collector = await startCollector(exporter);
    const sent = new Map<string, { readonly score: number; readonly label: string }>();
    for (let batch = 0; batch < BATCHES; batch++) {
      if (batch === BATCHES / 4) {
        // What was sent before is on its way or on the disk; either way it must be there once.
        await agent.kill();
      }
      if (batch === BATCHES / 2) agent = await startAgent(spool);
      await send(collector, batch, sent);
    }
    await until(
      `${sent.size} predictions and labels`,
      () =>
        spooled(spool, "predictions").length >= sent.size &&
        spooled(spool, "labels").length >= sent.size,
      () => `${spooled(spool, "predictions").length} predictions\n${collector.said()}`,
    );
    const wanted = [...sent].map(([id, { score }]) => ({ id, score }));
    const rows = spooled(spool, "predictions").map(({ id, score }) => ({ id, score }));
    deepStrictEqual(byId(rows), byId(wanted));
    const told = [...sent].map(([id, { label }]) => ({ id, label }));
    deepStrictEqual(
      byId(spooled(spool, "labels").map(({ id, label }) => ({ id, label }))),
      byId(told),
    );
    say(
      `${exporter.name}: ${sent.size} predictions and labels, each once, the agent gone for a quarter of them`,
    );
  } finally {
    await agent.kill();
  }
}

async function send(
  { http }: Collector,
  batch: number,
  sent: Map<string, { readonly score: number; readonly label: string }>,
): Promise<void> {
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const logRecords: object[] = [];
  const spans: object[] = [];
  for (let row = 0; row < ROWS; row++) {
    const [id, score, label] = [`${batch}-${row}`, row / 32, row % 3 === 0 ? "fraud" : "ok"];
    sent.set(id, { score, label });
    const named = [text("ml.model.name", "card-fraud"), text("ml.prediction.id", id)];
    const attributes = [...named, { key: "ml.prediction.score", value: { doubleValue: score } }];
    if (row % 2 === 0) logRecords.push({ eventName: "ml.prediction", attributes });
    else
      spans.push({
        traceId: "0".repeat(31) + "1",
        spanId: "0".repeat(15) + "1",
        name: "predict",
        attributes,
      });
    logRecords.push({
      eventName: "ml.ground_truth",
      attributes: [...named, text("ml.actual.label", label)],
    });
  }
  const bodies = {
    logs: { resourceLogs: [{ scopeLogs: [{ logRecords }] }] },
    traces: { resourceSpans: [{ scopeSpans: [{ spans }] }] },
  };
  for (const [signal, body] of Object.entries(bodies)) {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`http://${http}/v1/${signal}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    deepStrictEqual(answer.status, 200);
  }
}

/** Three signals by many workers at once: each record is a row, none is there twice. */
async function generated(): Promise<void> {
  const spool = mkdtempSync(join(folder, "spool-"));
  const agent = await startAgent(spool);
  const zstdHttp = EXPORTERS[0];
  ok(zstdHttp !== undefined);
  try {
    const metrics =
      "service:\n  pipelines:\n    metrics/driftmend: { receivers: [otlp], exporters: [otlphttp/driftmend] }\n";
    await using collector = await startCollector(zstdHttp, metrics);
    const places = {
      direct: { http: `127.0.0.1:${agentHttp}`, grpc: `127.0.0.1:${agentGrpc}` },
      "through the Collector": collector,
    };
    for (const [way, { http, grpc }] of Object.entries(places)) {
      for (const [transport, endpoint] of [
        ["http", http],
        ["grpc", grpc],
      ] as const) {
        const model = `${way} ${transport}`;
        const ends = await Promise.all(
          (["logs", "traces", "metrics"] as const).map((signal) =>
            generate(signal, transport, endpoint, model),
          ),
        );
        deepStrictEqual(ends, ["", "", ""]);
        // A trace has a span and its child.
        const rows = WORKERS * RECORDS * 3;
        const of = (): number =>
          spooled(spool, "predictions").filter((row) => row["model"] === model).length;
        await until(
          `${rows} rows of ${model}`,
          () => of() >= rows,
          () => `${of()} came`,
        );
        deepStrictEqual(of(), rows);
        say(
          `telemetrygen, ${model}: ${rows} rows of ${WORKERS} workers a signal, and metrics taken and not used`,
        );
      }
    }
    ok(!/exporting failed|partial success/i.test(collector.said()), collector.said());
  } finally {
    await agent.kill();
  }
}

/** What it said where it failed; nothing where all was taken. */
async function generate(
  signal: "logs" | "traces" | "metrics",
  transport: "http" | "grpc",
  endpoint: string,
  model: string,
): Promise<string> {
  const attributes = {
    "ml.model.name": model,
    "ml.prediction.id": "same",
    "event.name": "ml.prediction",
  };
  const args = [
    ...[signal, "--otlp-insecure", "--otlp-endpoint", endpoint, "--rate", RATE],
    ...["--workers", String(WORKERS), `--${signal}`, String(RECORDS)],
    ...(transport === "http" ? ["--otlp-http"] : []),
    ...Object.entries(attributes).flatMap(([key, value]) => [
      "--telemetry-attributes",
      `${key}="${value}"`,
    ]),
  ];
  const child = spawn(generatorPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000)));
  }
  const [code] = (await once(child, "close")) as [number | null];
  return code === 0 ? "" : `${signal} over ${transport} ended with ${code}: ${said}`;
}

function spooled(spool: string, table: "predictions" | "labels"): Row[] {
  return framesIn(spool)
    .flatMap(({ sections }) => sections)
    .filter((section) => section.table === table)
    .flatMap(({ payload }) => rowsOf(readBlock(payload)));
}

async function until(what: string, holds: () => boolean, instead: () => string): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + WITHIN_MS;
  while (!holds()) {
    ok(systemClock.monotonicMs() < deadlineMs, `${what}, instead:\n${instead()}`);
    await systemClock.sleep(200);
  }
}

function byId<T extends { readonly id: unknown }>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => String(a.id).localeCompare(String(b.id)));
}

/**
 * Hostile requests over every socket of a real agent: each is answered in time, with success or a refusal that says
 * whose fault it is, never with one of ours; what is sound is spooled exactly once; the process stays as it is.
 */
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Random } from "../../../runtime/random.ts";
import { type Door, Violation } from "../door.ts";
import { cloudEventsDoor } from "../doors/exchanges.ts";
import { compressedDoor } from "../doors/compressed.ts";
import { eventLinesDoor, labelLinesDoor } from "../doors/lines.ts";
import { openaiDoor } from "../doors/openai.ts";
import { otlpJsonDoor } from "../doors/otlp-json.ts";
import { otlpProtobufDoor } from "../doors/otlp-protobuf.ts";
import { chance, hostileNumber, hostileText, hostileTime, pick } from "../hostile-values.ts";
import { jsonObject, or } from "../json-text.ts";
import { type AgentStage, openAgentStage } from "./agent-stage.ts";

const ANSWER_WITHIN_MS = 30_000;
const GRPC_PATHS = [
  "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
  "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
  "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
] as const;

interface Sent {
  readonly door: "http" | "grpc" | "nats" | "proxy";
  /** Path, or subject. */
  readonly to: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Of the server behind the proxy. */
  readonly answer?: string;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

interface Sources {
  readonly protobuf: Door;
  readonly json: Door;
  readonly events: Door;
  readonly labels: Door;
  readonly exchanges: Door;
  readonly compressed: Door;
  readonly openai: Door;
}

function httpRequest(random: Random, from: Sources): Sent {
  const kind = random.integer(8);
  const http = (to: string, headers: Record<string, string>, body: Buffer): Sent => {
    const compressed = chance(random, 0.2) ? pick(random, ["gzip", "zstd"] as const) : null;
    const bytes =
      compressed === null ? body : (compressed === "gzip" ? gzipSync : zstdCompressSync)(body);
    const encoding = compressed === null ? {} : { "content-encoding": compressed };
    return { door: "http", to, headers: { ...headers, ...encoding }, body: base64(bytes) };
  };
  if (kind === 0) {
    const payload = from.protobuf.make(random);
    const to = payload[0] === 1 ? "/v1/traces" : "/v1/logs";
    return http(to, { "content-type": "application/x-protobuf" }, payload.subarray(1));
  }
  if (kind === 1) {
    const payload = from.json.make(random);
    const to = payload[1] === 0x74 ? "/v1/traces" : "/v1/logs";
    return http(to, { "content-type": "application/json" }, payload.subarray(2));
  }
  if (kind === 2) return http("/v1/events", {}, from.events.make(random));
  if (kind === 3) return http("/v1/labels", {}, from.labels.make(random));
  if (kind === 4) return exchange(random, from);
  if (kind === 5) {
    const payload = from.compressed.make(random);
    const end = payload.indexOf(0);
    const headers = { "content-encoding": payload.toString("latin1", 0, end) };
    return { door: "http", to: "/v1/events", headers, body: base64(payload.subarray(end + 1)) };
  }
  if (kind === 6) return http("/v1/clock", {}, Buffer.from(clock(random)));
  const path = pick(random, ["/v1/metrics", "/v1/logs", "/v1/nothing", "/%ff", "/?x", "//v1/logs"]);
  return http(
    path,
    { "content-type": pick(random, ["application/x-protobuf", "text/plain", "x"]) },
    from.events.make(random),
  );
}

function clock(random: Random): string {
  const time = chance(random, 0.5)
    ? JSON.stringify(hostileTime(random))
    : String(hostileNumber(random));
  return jsonObject(random, [
    ["model", or(random, `"clock-${random.integer(5)}"`)],
    ["time", or(random, time)],
  ]);
}

/** One event of a pair. */
function exchange(random: Random, from: Sources): Sent {
  const events = JSON.parse(from.exchanges.make(random).toString("utf8")) as Pick<
    Sent,
    "headers" | "body"
  >[];
  const { headers, body } = pick(random, events);
  const plain = Object.entries(headers).map(([name, value]) => [
    name,
    encodeURIComponent(value.toWellFormed()),
  ]);
  return {
    door: "http",
    to: "/",
    headers: Object.fromEntries(plain) as Record<string, string>,
    body,
  };
}

function make(random: Random, from: Sources): Buffer {
  const kind = random.next();
  if (kind < 0.65) return json(httpRequest(random, from));
  if (kind < 0.8) {
    const message = from.protobuf.make(random).subarray(1);
    const compressed = chance(random, 0.2);
    const content = compressed ? gzipSync(message) : message;
    const head = Buffer.alloc(5);
    head.writeUInt8(compressed ? 1 : 0, 0);
    head.writeUInt32BE(content.length, 1);
    const headers: Record<string, string> = compressed ? { "grpc-encoding": "gzip" } : {};
    return json({
      door: "grpc",
      to: pick(random, GRPC_PATHS),
      headers,
      body: base64(Buffer.concat([head, content])),
    });
  }
  if (kind < 0.9) {
    const isLabels = chance(random, 0.5);
    const body = (isLabels ? from.labels : from.events).make(random);
    const to = `driftmend.v1.ingest.m${isLabels ? ".labels" : ""}`;
    return json({ door: "nats", to, headers: {}, body: base64(body) });
  }
  return json(proxied(random, from));
}

function proxied(random: Random, from: Sources): Sent {
  if (chance(random, 0.4)) {
    const payload = from.openai.make(random);
    const end = 5 + payload.readUInt32LE(1);
    const type = payload[0] === 1 ? "text/event-stream" : "application/json";
    return {
      ...{ door: "proxy", to: "/v1/chat/completions", headers: { "x-answer-type": type } },
      ...{ body: base64(payload.subarray(5, end)), answer: base64(payload.subarray(end)) },
    };
  }
  const events = JSON.parse(from.exchanges.make(random).toString("utf8")) as Pick<Sent, "body">[];
  const model = encodeURIComponent(hostileText(random).toWellFormed()).slice(0, 500) || "m";
  const to = pick(random, [
    `/v2/models/${model}/infer`,
    "/v2/models/m/infer",
    "/v1/models/m:predict",
    "/v2/models/%ff/infer",
  ]);
  return {
    door: "proxy",
    to,
    headers: {},
    body: events[0]?.body ?? "",
    answer: events[1]?.body ?? "",
  };
}

const json = (sent: Sent): Buffer => Buffer.from(JSON.stringify(sent));

export function agentDoor(): Door {
  let opening: Promise<AgentStage> | undefined;
  let stage: AgentStage | undefined;
  const open = async (): Promise<AgentStage> => (stage = await (opening ??= openAgentStage()));
  const from: Sources = {
    ...{ protobuf: otlpProtobufDoor(), json: otlpJsonDoor(), events: eventLinesDoor() },
    ...{ labels: labelLinesDoor(), exchanges: cloudEventsDoor(), compressed: compressedDoor() },
    openai: openaiDoor(),
  };
  let sound = 0;
  return {
    ...{ name: "agent", weight: 0, atOnce: 16, isProcess: true },
    make: (random) => make(random, from),
    feed: async (payload) => {
      const sent = JSON.parse(payload.toString("utf8")) as Sent;
      return within(send(await open(), sent), `${sent.door} ${sent.to}`);
    },
    checkSound: async () => {
      const { agent } = await open();
      const line = JSON.stringify({ model: "sound", id: `sound-${sound++}`, score: 0.5 });
      const answer: unknown = await (await agent.post("/v1/events", line)).json();
      const { accepted } = answer as { accepted?: number };
      if (accepted !== 1)
        throw new Violation(`a sound line was answered ${JSON.stringify(answer)}`);
    },
    memory: () => stage?.rss() ?? 0,
    close: async () => {
      if (stage === undefined) return;
      const counts = stage.spooled("sound-");
      await stage.close();
      const wrong = [...counts.values()].filter((count) => count !== 1).length;
      if (counts.size !== sound || wrong > 0) {
        throw new Violation(
          `of ${sound} sound lines ${counts.size} are spooled, ${wrong} of them twice`,
        );
      }
    },
  };
}

async function within(answer: Promise<string>, what: string): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Violation(`no answer in time: ${what}`)), ANSWER_WITHIN_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function send(stage: AgentStage, sent: Sent): Promise<string> {
  const body = Buffer.from(sent.body, "base64");
  if (sent.door === "grpc") return overGrpc(stage, sent, body);
  if (sent.door === "nats") return overNats(stage, sent, body);
  return sent.door === "http" ? overHttp(stage, sent, body) : overProxy(stage, sent, body);
}

const REFUSALS = [400, 404, 405, 409, 413, 415, 431] as const;

async function overHttp(
  { agent }: AgentStage,
  { to, headers }: Sent,
  body: Buffer,
): Promise<string> {
  const response = await fetch(agent.url + to, { method: "POST", headers, body });
  const text = await response.text();
  if (response.status === 200) return "accepted: http";
  if ((REFUSALS as readonly number[]).includes(response.status))
    return `refused: http ${response.status}`;
  throw new Violation(`${to} was answered ${response.status} ${text.slice(0, 300)}`);
}

/** OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED. */
const GRPC_CODES = ["0", "3", "8"];

function overGrpc({ grpc }: AgentStage, { to, headers }: Sent, body: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = grpc.request({
      ...{ ":method": "POST", ":path": to, "content-type": "application/grpc", te: "trailers" },
      ...headers,
    });
    let code = "";
    const note = (given: Record<string, unknown>): void => {
      code = String(given["grpc-status"] ?? code);
    };
    stream.on("response", note).on("trailers", note).on("error", reject).resume();
    stream.on("end", () => {
      if (GRPC_CODES.includes(code))
        resolve(code === "0" ? "accepted: grpc" : `refused: grpc ${code}`);
      else reject(new Violation(`gRPC answered with code ${code}`));
    });
    stream.end(body);
  });
}

async function overNats({ nats }: AgentStage, { to }: Sent, body: Buffer): Promise<string> {
  const reply = await nats.connection.request(to, body, { timeout: ANSWER_WITHIN_MS });
  const answer = reply.json<{ accepted?: number; error?: { code: string } }>();
  if (answer.accepted !== undefined) return "accepted: nats";
  if (answer.error?.code === "request_malformed") return "refused: nats request_malformed";
  throw new Violation(`NATS answered ${JSON.stringify(answer).slice(0, 300)}`);
}

/** What the server says must come back as it is; one call at a time, so that it is known which answer is whose. */
let turn: Promise<unknown> = Promise.resolve();
function overProxy(stage: AgentStage, sent: Sent, body: Buffer): Promise<string> {
  const mine = turn.then(() => oneProxied(stage, sent, body));
  turn = mine.catch(() => undefined);
  return mine;
}

async function oneProxied(
  stage: AgentStage,
  { to, headers, answer = "" }: Sent,
  body: Buffer,
): Promise<string> {
  const told = Buffer.from(answer, "base64");
  const type = headers["x-answer-type"] ?? "application/json";
  stage.answers.push({ status: 200, headers: { "content-type": type }, body: told });
  const response = await fetch(stage.proxyUrl + to, { method: "POST", body });
  const got = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200 || !got.equals(told)) {
    stage.answers.length = 0;
    throw new Violation(
      `the proxy answered ${response.status} with ${got.length} of ${told.length} bytes`,
    );
  }
  return "accepted: proxy";
}

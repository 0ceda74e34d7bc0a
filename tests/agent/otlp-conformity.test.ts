/** What exporters are answered where something is wrong with what they send, over HTTP and gRPC, on the real process. */
import { once } from "node:events";
import { type IncomingHttpHeaders, connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { framed } from "../../agent/doors/grpc-frames.ts";
import { LIMITS } from "../../contract/limits.ts";
import { freePort } from "../support/free-port.ts";
import { type AgentProcess, startAgentProcess, temporaryFolder } from "./agent-process.ts";
import { spooledRows } from "./capture-harness.ts";
import { encodeRequest, otlpSchema } from "./otlp-schema.ts";

const LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const PROTOBUF = { "content-type": "application/x-protobuf" };
const JSON_TYPE = { "content-type": "application/json" };

const folder = temporaryFolder();
let agent: AgentProcess;
let grpcUrl: string;
beforeAll(async () => {
  const port = String(await freePort());
  grpcUrl = `http://127.0.0.1:${port}`;
  agent = await startAgentProcess(folder.path, { DRIFTMEND_OTLP_GRPC_PORT: port });
});
afterAll(async () => {
  await agent.kill();
  folder.remove();
});

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const logs = (id: string): Buffer =>
  encodeRequest("logs", {
    resourceLogs: [
      {
        scopeLogs: [
          {
            logRecords: [
              {
                eventName: "ml.prediction",
                attributes: [text("ml.model.name", "m"), text("ml.prediction.id", id)],
              },
            ],
          },
        ],
      },
    ],
  });
const spooled = (id: string): number => spooledRows(folder.path, "predictions", id).length;

interface Answer {
  /** Headers and trailers. */
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** One call as bytes: what no client library sends. */
async function call(
  body: Uint8Array,
  given: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const session = connect(grpcUrl);
  const headers = {
    ":method": "POST",
    ":path": LOGS,
    "content-type": "application/grpc",
    te: "trailers",
    ...given,
  };
  const stream = session.request(headers);
  let found: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on("response", (head) => (found = { ...found, ...head }));
  stream.on("trailers", (trailers) => (found = { ...found, ...trailers }));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (!stream.writableEnded) stream.end(body);
  await once(stream, "close");
  session.close();
  return { headers: found, bytes: Buffer.concat(chunks) };
}

function packed(message: Uint8Array): Buffer {
  const frame = framed(Buffer.from(message));
  frame[0] = 1;
  return frame;
}

describe("over gRPC", () => {
  it("takes gzip, deflate and zstd, and answers with an empty message and what may be used", async () => {
    const ways = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync };
    for (const [encoding, compress] of Object.entries(ways)) {
      const body = packed(compress(logs(`g-${encoding}`)));
      const { headers, bytes } = await call(body, { "grpc-encoding": encoding });
      expect([headers["grpc-status"], bytes]).toEqual(["0", Buffer.alloc(5)]);
      expect(headers["grpc-accept-encoding"]).toBe("identity,deflate,gzip,zstd");
      expect(spooled(`g-${encoding}`)).toBe(1);
    }
    // A call may name a compression and not use it.
    const plain = await call(framed(logs("g-plain")), { "grpc-encoding": "snappy" });
    expect([plain.headers["grpc-status"], spooled("g-plain")]).toEqual(["0", 1]);
  });

  it("answers a compression that it does not take with UNIMPLEMENTED and those that it takes", async () => {
    const { headers } = await call(packed(logs("g-snappy")), { "grpc-encoding": "snappy" });
    expect(headers).toMatchObject({
      "grpc-status": "12",
      "grpc-accept-encoding": "identity,deflate,gzip,zstd",
    });
    expect(decodeURIComponent(String(headers["grpc-message"]))).toContain('"snappy"');
  });

  it("limits a message before and after decompression, and wants it whole", async () => {
    const zeros = Buffer.alloc(LIMITS.grpcMessageBytesMax + 1);
    expect((await call(framed(zeros))).headers["grpc-status"]).toBe("8");
    for (const [encoding, compress] of [
      ["gzip", gzipSync],
      ["zstd", zstdCompressSync],
    ] as const) {
      const bomb = await call(packed(compress(zeros)), { "grpc-encoding": encoding });
      expect(bomb.headers["grpc-status"]).toBe("8");
    }
    for (const broken of [Buffer.alloc(0), framed(logs("g-cut")).subarray(0, 20)]) {
      expect((await call(broken)).headers["grpc-status"]).toBe("3");
    }
    const damaged = await call(packed(logs("g-damaged")), { "grpc-encoding": "gzip" });
    expect(damaged.headers["grpc-status"]).toBe("3");
  });

  it("tells whoever does not speak gRPC so in HTTP, and goes on", async () => {
    const get = await call(Buffer.alloc(0), { ":method": "GET" });
    expect(get.headers[":status"]).toBe(405);
    const json = await call(Buffer.from("{}"), { "content-type": "application/json" });
    expect(json.headers[":status"]).toBe(415);
    await expect(fetch(grpcUrl)).rejects.toThrow("fetch failed");
    expect((await call(framed(logs("g-after")))).headers["grpc-status"]).toBe("0");
  });
});

describe("over HTTP", () => {
  it("names the compressions that it takes where it refuses one", async () => {
    for (const encoding of ["br", "snappy", "constructor"]) {
      const headers = { ...PROTOBUF, "content-encoding": encoding };
      const refused = await agent.post("/v1/logs", new Uint8Array(logs("h-br")), headers);
      expect([refused.status, refused.headers.get("accept-encoding")]).toEqual([
        415,
        "gzip, deflate, zstd",
      ]);
      const status = otlpSchema.status.decode(new Uint8Array(await refused.arrayBuffer()));
      expect(status.toJSON()).toMatchObject({ code: 12 });
    }
    const zlib = { ...PROTOBUF, "content-encoding": "zlib" };
    await agent.post("/v1/logs", new Uint8Array(deflateSync(logs("h-zlib"))), zlib);
    expect(spooled("h-zlib")).toBe(1);
  });

  it("says 404 and where the doors are, and so to an exporter without a path", async () => {
    for (const path of ["/v1/logs/", "/v1development/profiles", "/logs"]) {
      const answer = await agent.post(path, new Uint8Array(logs("h-path")), PROTOBUF);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({
        code: "route_unknown",
        next: expect.stringContaining("/v1/logs"),
      });
    }
    const bare = await agent.post("/", new Uint8Array(logs("h-bare")), PROTOBUF);
    expect(bare.status).toBe(400);
    expect(await bare.json()).toMatchObject({ detail: expect.stringContaining("/v1/logs") });
  });

  it("wants metrics to be requests too, though it does not use them", async () => {
    const broken = await agent.post("/v1/metrics", "not protobuf", PROTOBUF);
    expect(broken.status).toBe(400);
    for (const body of ["[]", "{", "null"]) {
      expect((await agent.post("/v1/metrics", body, JSON_TYPE)).status).toBe(400);
    }
  });

  it("takes charset, an empty body in both encodings, and one that waits for 100", async () => {
    const typed = { "content-type": "application/x-protobuf; charset=utf-8" };
    expect((await agent.post("/v1/logs", new Uint8Array(logs("h-typed")), typed)).status).toBe(200);
    const empty = await agent.post("/v1/traces", "", JSON_TYPE);
    expect([empty.status, await empty.json()]).toEqual([200, {}]);
    const { hostname, port } = new URL(agent.url);
    const socket = connectSocket(Number(port), hostname);
    const body = logs("h-expect");
    const head = `POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`;
    socket.write(head);
    const [first] = (await once(socket, "data")) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1\.1 100 Continue/);
    socket.write(body);
    const [second] = (await once(socket, "data")) as [Buffer];
    expect(second.toString()).toMatch(/^HTTP\/1\.1 200 OK/);
    // And the connection stays open, longer than a Go client keeps one idle.
    expect(second.toString()).toMatch(/keep-alive: timeout=120/i);
    socket.destroy();
    expect(spooled("h-expect")).toBe(1);
  });

  it("sets a span aside that names a model and no id, or an id and no model, in both encodings", async () => {
    const span = (...attributes: object[]): object => ({
      resourceSpans: [{ scopeSpans: [{ spans: [{ name: "POST /predict", attributes }] }] }],
    });
    const idless = span(text("ml.model.name", "m"), {
      key: "ml.feature.x",
      value: { doubleValue: 1 },
    });
    const modelless = span(text("ml.prediction.id", "half"));
    const others = span(text("ml.model.name", "m"), text("http.route", "/predict"));
    for (const [request, rejected, reason] of [
      [idless, "1", /1 id_missing/],
      [modelless, "1", /1 model_missing/],
      [others, undefined, /^$/],
    ] as const) {
      const protobuf = await agent.post(
        "/v1/traces",
        new Uint8Array(encodeRequest("traces", request)),
        PROTOBUF,
      );
      const told = otlpSchema.response.decode(new Uint8Array(await protobuf.arrayBuffer()));
      const json = await agent.post("/v1/traces", JSON.stringify(request), JSON_TYPE);
      const answers = [told.toJSON()["partialSuccess"], (await json.json()) as object];
      expect(answers[0]?.rejected).toBe(rejected);
      expect(answers[0]?.errorMessage ?? "").toMatch(reason);
      expect(JSON.stringify(answers[1])).toContain(rejected === undefined ? "{}" : '"1"');
    }
  });
});

/** The doors as the OTLP specification and INTERFACES describe them, on the real process. */
import { gzipSync, deflateSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import {
  type AgentProcess,
  eventLines,
  framesIn,
  startAgentProcess,
  temporaryFolder,
} from "./agent-process.ts";
import { type Row, spooledRows } from "./capture-harness.ts";
import { encodeRequest, otlpSchema } from "./otlp-schema.ts";

const folder = temporaryFolder();
let agent: AgentProcess;
beforeAll(async () => {
  agent = await startAgentProcess(folder.path, { DRIFTMEND_TOKEN: "a-token-for-the-routes" });
});
afterAll(async () => {
  await agent.kill();
  folder.remove();
});

const PROTOBUF = { "content-type": "application/x-protobuf" };
const JSON_TYPE = { "content-type": "application/json" };
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

function logs(...records: object[]): object {
  return { resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] };
}

function prediction(id: string, ...more: object[]): object {
  const attributes = [text("ml.model.name", "m"), text("ml.prediction.id", id), ...more];
  return { eventName: "ml.prediction", attributes };
}

function protobufBody(request: object): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encodeRequest("logs", request));
}

async function bytesOf(answer: Response): Promise<Uint8Array> {
  return new Uint8Array(await answer.arrayBuffer());
}

const spooled = (table: "predictions" | "labels" | "dead_letters", id: string): Row[] =>
  spooledRows(folder.path, table, id);

describe("an OTLP door", () => {
  it("answers in the request's encoding, with an empty message for full success", async () => {
    const protobuf = await agent.post("/v1/logs", protobufBody(logs(prediction("p1"))), PROTOBUF);
    expect(protobuf.status).toBe(200);
    expect(protobuf.headers.get("content-type")).toBe("application/x-protobuf");
    expect(await bytesOf(protobuf)).toHaveLength(0);
    const body = JSON.stringify(logs(prediction("j1")));
    const json = await agent.post("/v1/logs", body, {
      "content-type": "application/json; charset=utf-8",
    });
    expect(json.headers.get("content-type")).toBe("application/json");
    expect(await json.json()).toEqual({});
    expect([spooled("predictions", "p1"), spooled("predictions", "j1")]).toMatchObject([
      [{ model: "m" }],
      [{ model: "m" }],
    ]);
  });

  it("takes an empty request", async () => {
    for (const path of ["/v1/logs", "/v1/traces", "/v1/metrics"]) {
      expect((await agent.post(path, "", PROTOBUF)).status).toBe(200);
    }
  });

  it("takes gzip, deflate and zstd, and names what it does not take", async () => {
    const compress = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync };
    for (const [encoding, pack] of Object.entries(compress)) {
      const body = new Uint8Array(pack(protobufBody(logs(prediction(`c-${encoding}`)))));
      const headers = { ...PROTOBUF, "content-encoding": encoding };
      expect((await agent.post("/v1/logs", body, headers)).status).toBe(200);
      expect(spooled("predictions", `c-${encoding}`)).toHaveLength(1);
    }
    const unknown = await agent.post("/v1/logs", "x", { ...PROTOBUF, "content-encoding": "br" });
    expect(unknown.status).toBe(415);
    const damaged = await agent.post("/v1/logs", "x", { ...PROTOBUF, "content-encoding": "gzip" });
    expect(damaged.status).toBe(400);
  });

  it("limits the body after decompression too, with 413 and a Status", async () => {
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(64 * 1024 * 1024)));
    const answer = await agent.post("/v1/logs", bomb, { ...PROTOBUF, "content-encoding": "gzip" });
    expect(answer.status).toBe(413);
    const plain = await agent.post("/v1/logs", new Uint8Array(21 * 1024 * 1024), PROTOBUF);
    expect(plain.status).toBe(413);
    expect(otlpSchema.status.decode(await bytesOf(answer))).toMatchObject({ code: 8 });
    const chunks = new ReadableStream({
      start: (controller) => {
        for (let i = 0; i < 21; i++) controller.enqueue(new Uint8Array(1024 * 1024));
        controller.close();
      },
    });
    const chunked = await fetch(`${agent.url}/v1/logs`, {
      method: "POST",
      body: chunks,
      headers: PROTOBUF,
      duplex: "half",
    });
    expect(chunked.status).toBe(413);
    // One record of 50 MB, whole: what it is part of cannot be taken in, and is counted.
    const huge = protobufBody(logs(prediction("huge", text("ml.tag.x", "x".repeat(50_000_000)))));
    expect((await agent.post("/v1/logs", huge, PROTOBUF)).status).toBe(413);
    expect((await agent.self()).totals["refused.body_too_large"]).toBe(4);
  });

  it("answers what it cannot read with 400 and a google.rpc.Status in the same encoding", async () => {
    const protobuf = await agent.post("/v1/logs", "not protobuf", PROTOBUF);
    expect(protobuf.status).toBe(400);
    const status = otlpSchema.status.toObject(otlpSchema.status.decode(await bytesOf(protobuf)));
    expect(status["code"]).toBe(3);
    expect(status["message"]).toContain("request_malformed");
    const json = await agent.post("/v1/logs", "{", JSON_TYPE);
    expect([json.status, await json.json()]).toMatchObject([400, { code: 3 }]);
    const noType = await agent.post("/v1/logs", "x", { "content-type": "text/plain" });
    expect(noType.status).toBe(415);
    expect((await fetch(`${agent.url}/v1/logs`)).status).toBe(405);
  });

  it("says what it set aside as partial success, and keeps it with reason and sample", async () => {
    const ahead = { ...prediction("ahead"), timeUnixNano: "4000000000000000000" };
    const nameless = { eventName: "ml.prediction", attributes: [text("ml.prediction.id", "x")] };
    const request = logs(prediction("good"), ahead, nameless, prediction(""));
    const answer = await agent.post("/v1/logs", protobufBody(request), PROTOBUF);
    expect(answer.status).toBe(200);
    const response = otlpSchema.response.toObject(
      otlpSchema.response.decode(await bytesOf(answer)),
      { longs: Number },
    );
    expect(response).toMatchObject({
      partialSuccess: {
        rejected: 3,
        errorMessage:
          "3 records were set aside as dead letters: 1 time_ahead, 1 model_missing, 1 id_missing",
      },
    });
    expect(spooled("predictions", "good")).toHaveLength(1);
    expect(spooled("dead_letters", "ahead")).toMatchObject([
      { reason: "time_ahead", model: "m", record: "predictions" },
    ]);
    expect(spooled("dead_letters", "ahead")[0]?.["detail"]).toContain("2096-");
    expect(spooled("dead_letters", "x")[0]?.["sample"]).toBe('{"id":"x"}');
    const [letter] = spooled("dead_letters", "ahead");
    expect(JSON.parse(String(letter?.["sample"]))).toEqual({
      model: "m",
      id: "ahead",
      time: "2096-10-02T07:06:40.000Z",
    });
  });

  it("accepts records and metrics of others without using them", async () => {
    const before = (await agent.self()).spool.nextSeq;
    const other = logs({ body: { stringValue: "a log line" }, attributes: [text("k", "v")] });
    expect((await agent.post("/v1/logs", protobufBody(other), PROTOBUF)).status).toBe(200);
    const metric = { name: "nobody.asks", gauge: { dataPoints: [{ asDouble: 1 }] } };
    const asked = JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] });
    const metrics = await agent.post("/v1/metrics", asked, JSON_TYPE);
    // SDKs take a warning for a failure: OTLP's answer says nothing of it.
    expect(await metrics.json()).toEqual({});
    const { spool, totals } = await agent.self();
    expect(spool.nextSeq).toBe(before);
    expect(totals["records.unknown"]).toBeGreaterThan(0);
    expect(totals["requests.metrics"]).toBeGreaterThan(0);
  });

  it("takes spans with the same keys, their duration as latency and their failure as error", async () => {
    const span = {
      name: "POST /predict",
      startTimeUnixNano: `${systemClock.nowMs()}000000`,
      endTimeUnixNano: `${systemClock.nowMs() + 25}000000`,
      status: { code: 2 },
      attributes: [
        text("ml.model.name", "m"),
        text("ml.prediction.id", "span"),
        text("ml.features", '{"hour": 7, "origin": "ATL", "late": true}'),
        { key: "ml.feature.distance", value: { doubleValue: 1.5 } },
        text("ml.tag.country", "DE"),
        text("client.version", "3.1"),
      ],
    };
    const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
    expect((await agent.post("/v1/traces", body, JSON_TYPE)).status).toBe(200);
    const [row] = spooled("predictions", "span");
    expect(row).toMatchObject({
      error: "_OTHER",
      num: [
        ["hour", 7],
        ["distance", 1.5],
      ],
      cat: [
        ["origin", "ATL"],
        ["late", "true"],
      ],
      tags: [
        ["country", "DE"],
        ["client.version", "3.1"],
      ],
    });
    expect(row?.["latency"]).toBeGreaterThan(0.024);
  });
});

describe("the JSON doors", () => {
  it("take label lines and arrays of them", async () => {
    const line = {
      model: "m",
      id: "l1",
      label: "late",
      prediction_time: "2026-01-01T00:00:00Z",
      source: "landing",
      revision: 3,
    };
    const lines = await agent.post("/v1/labels", `${JSON.stringify(line)}\n`);
    expect(await lines.json()).toEqual({ accepted: 1, rejected: 0, reasons: {}, repeated: false });
    const array = await agent.post("/v1/labels", '[{"model":"m","id":"l2","value":12.5}]');
    expect(await array.json()).toMatchObject({ accepted: 1 });
    expect(spooled("labels", "l1")).toMatchObject([
      {
        label: "late",
        source: "landing",
        revision: 3n,
        prediction_time: Date.UTC(2026, 0, 1),
      },
    ]);
    expect(spooled("labels", "l2")).toMatchObject([{ value: 12.5, revision: 0n }]);
  });

  it("set wrong lines aside and take the others", async () => {
    const lines = [
      '{"model":"m","id":"l3","label":"x","revision":-1}',
      '{"model":"m","id":"l4"}',
      '{"model":"m","id":"l5","label":"x","prediction_time":"yesterday"}',
      "not json",
      '{"model":"m","id":"l6","label":"x"}',
    ];
    expect(await (await agent.post("/v1/labels", lines.join("\n"))).json()).toMatchObject({
      accepted: 1,
      rejected: 4,
      reasons: { revision_invalid: 1, label_missing: 1, time_invalid: 1, record_invalid: 1 },
    });
    const broken = await agent.post("/v1/labels", "[1,");
    expect([broken.status, await broken.json()]).toMatchObject([
      400,
      { code: "request_malformed", type: "docs/errors.md#request_malformed" },
    ]);
  });

  it("take event lines with everything a prediction has", async () => {
    const event = {
      model: "m",
      id: "e1",
      version: 7,
      features: { x: 1.5, origin: "ATL", gone: null },
      score: 0.25,
      probabilities: { late: 0.25, ontime: 0.75 },
      tags: { country: "DE" },
      latency: 0.5,
      error: "timeout",
    };
    expect(await (await agent.post("/v1/events", JSON.stringify(event))).json()).toMatchObject({
      accepted: 1,
    });
    expect(spooled("predictions", "e1")).toMatchObject([
      {
        version: "7",
        num: [["x", 1.5]],
        cat: [["origin", "ATL"]],
        tags: [["country", "DE"]],
        score: 0.25,
        probabilities: [
          ["late", 0.25],
          ["ontime", 0.75],
        ],
        latency: 0.5,
        error: "timeout",
      },
    ]);
  });

  it("set clocks, in the order of the data, and never back", async () => {
    const set = (time: string) => agent.post("/v1/clock", JSON.stringify({ model: "r", time }));
    expect((await set("2001-02-05T01:00:00Z")).status).toBe(200);
    expect((await set("2001-02-05T01:00:00Z")).status).toBe(200);
    expect(await (await set("2001-02-05T00:00:00Z")).json()).toMatchObject({
      status: 409,
      code: "clock_backwards",
    });
    expect((await set("some day")).status).toBe(400);
    const unpaired = { model: "\ud800", time: "wall" };
    expect((await agent.post("/v1/clock", JSON.stringify(unpaired))).status).toBe(400);
    expect((await set("wall")).status).toBe(200);
    const clocks = framesIn(folder.path).flatMap(({ header }) => header.clocks);
    expect(clocks).toEqual([
      { model: "r", timeMs: Date.UTC(2001, 1, 5, 1) },
      { model: "r", timeMs: Date.UTC(2001, 1, 5, 1) },
      { model: "r", timeMs: "wall" },
    ]);
  });
});

describe("one request", () => {
  it("that is larger than a frame becomes frames that belong together", async () => {
    const { nextSeq } = (await agent.self()).spool;
    const ids = Array.from({ length: 120_000 }, (_, i) => `big-${i}`);
    const answer = await agent.post("/v1/events", eventLines(ids));
    expect(await answer.json()).toMatchObject({ accepted: ids.length });
    const frames = framesIn(folder.path).filter(({ header }) => header.seq >= nextSeq);
    expect(frames.length).toBeGreaterThan(2);
    for (const { header, frameBytes } of frames) {
      const isLast = header.seq === nextSeq + frames.length - 1;
      expect([header.continues === true, header.digests.length]).toEqual([!isLast, isLast ? 1 : 0]);
      expect(frameBytes).toBeLessThan(LIMITS.natsPayloadBytesMax);
    }
    const rows = frames.flatMap(({ header }) => header.sections);
    expect(rows.reduce((sum, section) => sum + section.rows, 0)).toBe(ids.length);
  });

  it("shares its fsync with others that come at the same time", async () => {
    const before = (await agent.self()).spool.nextSeq;
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => agent.post("/v1/events", eventLines([`together-${i}`]))),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect((await agent.self()).spool.nextSeq - before).toBeLessThan(25);
  });
});

describe("the shared routes", () => {
  it("are there beside the doors, which need no token on loopback", async () => {
    expect((await fetch(`${agent.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${agent.url}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    expect(metrics).toContain("driftmend_agent_records_total");
    const unknown = await fetch(`${agent.url}/v1/nothing`);
    expect([unknown.status, (await unknown.json()) as unknown]).toMatchObject([
      401,
      { code: "token_missing" },
    ]);
  });

  it("say which port is taken, which folder is in use, and what to do about it", async () => {
    const other = temporaryFolder();
    const { port } = new URL(agent.url);
    const busy = startAgentProcess(other.path, { DRIFTMEND_OTLP_HTTP_PORT: port });
    await expect(busy).rejects.toThrow(
      new RegExp(`${port} as the port must be free \\[port_in_use\\] Name another DRIFTMEND_OTLP`),
    );
    const holder = await startAgentProcess(other.path, {});
    await expect(startAgentProcess(other.path, {})).rejects.toThrow(
      /as its only user: another agent uses it \[spool_in_use\] Stop that agent/,
    );
    await holder.kill();
    other.remove();
  });

  it("take nothing from a web page, which a browser on this machine could send without asking", async () => {
    const headers = { origin: "https://evil.example", "content-type": "text/plain" };
    const refused = await agent.post("/v1/events", eventLines(["a"]), headers);
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ code: "origin_refused" });
    expect((await agent.post("/v1/events", eventLines(["a"]))).status).toBe(200);
  });

  it("need a token on every door when the agent is reachable from outside", async () => {
    const other = temporaryFolder();
    await expect(startAgentProcess(other.path, { DRIFTMEND_HOST: "0.0.0.0" })).rejects.toThrow(
      "what is open to the network needs a token",
    );
    const token = "a-token-of-some-length";
    const open = await startAgentProcess(other.path, {
      DRIFTMEND_HOST: "0.0.0.0",
      DRIFTMEND_TOKEN: token,
    });
    const reachable = open.url.replace("0.0.0.0", "127.0.0.1");
    const send = (headers: Record<string, string>) =>
      fetch(`${reachable}/v1/events`, { method: "POST", body: eventLines(["a"]), headers });
    expect((await send({})).status).toBe(401);
    expect((await send({ authorization: `Bearer ${token}` })).status).toBe(200);
    await open.kill();
    other.remove();
  });
});

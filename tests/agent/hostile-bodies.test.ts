/** What the fuzzer found behind the other doors of the agent, each in its smallest form. */
import { Readable } from "node:stream";
import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { readEvents } from "../../agent/doors/cloud-events.ts";
import { readEventLines } from "../../agent/doors/json-lines.ts";
import { BodyReader } from "../../agent/doors/request-body.ts";
import { mapExchange } from "../../agent/mapping/map-tensors.ts";
import { readBody } from "../../agent/mapping/read-body.ts";
import { openaiPrediction } from "../../agent/proxy/openai-call.ts";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { TensorMapping } from "../../contract/mapping.ts";
import { eventLines, framesIn, startAgentProcess, temporaryFolder } from "./agent-process.ts";
import { createCapture, NOW_MS } from "./capture-harness.ts";

const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
const malformed = expect.objectContaining({ code: "request_malformed" });

describe("a body", () => {
  it.each(["constructor", "__proto__", "valueOf"])(
    "is not read as if %s were an encoding, though objects know the name",
    async (encoding) => {
      const headers = { "content-encoding": encoding };
      const request = Object.assign(Readable.from([Buffer.from("x")]), { headers });
      const read = new BodyReader(systemClock).read(request as unknown as IncomingMessage, String);
      await expect(read).rejects.toMatchObject({ code: "encoding_unsupported" });
    },
  );
});

describe("lines", () => {
  const take = (text: string) => {
    const capture = createCapture();
    capture.take(() => readEventLines(text, capture.recorder));
    return capture.rows();
  };

  it("that are nested deeper than any stack are set aside, and the others count", () => {
    const bad = `{"model":"m","id":"1","features":{"x":${deep(100_000)}}}`;
    const { predictions, deadLetters } = take(`${bad}\n{"model":"m","id":"2"}`);
    expect(predictions).toMatchObject([{ id: "2" }]);
    expect(deadLetters).toMatchObject([{ reason: "record_invalid" }]);
  });

  it("are refused as a whole where more cannot be stored than a spool should keep of one request", () => {
    const lines = "1\n".repeat(LIMITS.deadLettersPerRequestMax);
    expect(take(lines).deadLetters).toHaveLength(LIMITS.deadLettersPerRequestMax);
    expect(() => take(`${lines}1\n`)).toThrow("cannot be stored");
  });

  it("of refused requests leave nothing behind that would count against the next frame", () => {
    const capture = createCapture();
    const model = "m".repeat(256);
    const bad = `{"model":"${model}"}\n`.repeat(100);
    for (let i = 0; i < 5; i++) {
      const refused = (): void => {
        readEventLines(bad, capture.recorder);
        throw new Error("refused");
      };
      expect(() => capture.take(refused)).toThrow("refused");
    }
    expect(capture.frame.isFull).toBe(false);
    capture.take(() => readEventLines('{"model":"m","id":"1"}', capture.recorder));
    expect(capture.frame.hasParts).toBe(false);
  });

  it("of a model that maps by name would lose are set aside", () => {
    const { deadLetters } = take('{"model":"__proto__","id":"1"}');
    expect(deadLetters).toMatchObject([{ reason: "model_invalid" }]);
  });
});

describe("an inference body", () => {
  const body = (side: "request" | "response", value: object) =>
    readBody(side, Buffer.from(JSON.stringify(value)), null).body;
  const exchange = (request: object, response: object) => ({
    ...{ model: "m", version: null, id: null, fallbackId: "1", timeMs: NOW_MS, latency: 0 },
    ...{ error: null, headers: new Map<string, string>(), tags: [] },
    request: body("request", request),
    response: body("response", response),
  });
  const tensor = (name: string, shape: readonly number[], data: readonly unknown[]) => ({
    ...{ name, datatype: "FP32", shape, data },
  });
  const mapping = TensorMapping.parse({ name: "test", from: "v2" });

  it.each(["constructor", "toString", "__proto__"])(
    "may have tensors that are called %s",
    (name) => {
      const one = exchange(
        { inputs: [tensor(name, [1], [1])] },
        { outputs: [tensor(name, [1], [2])] },
      );
      const mapped = mapExchange(one, mapping, undefined);
      expect(mapped).toMatchObject({ kind: "rows", rows: [{ features: [[name, 1]], value: 2 }] });
    },
  );

  it("has a limited number of tensors, since each costs work for each row", () => {
    const empty = Array.from({ length: LIMITS.tensorsMax + 1 }, (_, i) => tensor("e", [i, 0], []));
    expect(() => body("request", { inputs: empty })).toThrow("1001 tensors");
    const many = exchange({ inputs: empty.slice(1) }, { outputs: [] });
    expect(mapExchange(many, mapping, undefined)).toMatchObject({ kind: "misfit" });
  });

  it("with a dimension of none has no elements, however large the others are", () => {
    const huge = 2 ** 53 - 1;
    const shape = Array.from({ length: 40 }, () => huge);
    const inputs = [tensor("x", [...shape, 0], []), tensor("y", [1], [1])];
    expect(body("request", { inputs }).inputs[0]?.data).toEqual([]);
  });

  it.each([0.5, "3", [], {}])("does not take %j for a number of bytes", (size) => {
    const parameters = { binary_data_size: size };
    const inputs = [{ name: "x", shape: [0], datatype: "FP32", parameters }];
    expect(() => body("request", { inputs })).toThrow(malformed);
  });
});

it("an event whose data is nested deeper than any stack is refused", () => {
  const headers = { "content-type": "application/cloudevents+json" };
  const event = `{"id":"1","type":"org.kubeflow.serving.inference.request","data":${deep(50_000)}}`;
  expect(() => readEvents(headers, Buffer.from(event), NOW_MS)).toThrow(malformed);
});

it("a call whose messages are nested deeper than any stack is refused", () => {
  const request = Buffer.from(`{"model":"m","messages":${deep(50_000)}}`);
  const facts = { id: "1", timeMs: NOW_MS, latencySeconds: 1, firstByteSeconds: 1, error: null };
  const call = { ...facts, request, response: null, isStream: false };
  expect(() => openaiPrediction(call, "chat")).toThrow(malformed);
});

it("a clock beyond what a frame can say is refused, and spoils no frame with others in it", async () => {
  const { path, remove } = temporaryFolder();
  const agent = await startAgentProcess(path);
  try {
    for (const time of [1e300, -5, 9e21, "9999-12-31T00:00:00Z", "1950-01-01T00:00:00Z"]) {
      const answer = await agent.post("/v1/clock", JSON.stringify({ model: "r", time }));
      expect({ time, status: answer.status }).toEqual({ time, status: 400 });
    }
    await agent.post("/v1/events", eventLines(["a"]));
    expect(framesIn(path).flatMap(({ header }) => header.sections)).toHaveLength(1);
  } finally {
    await agent.kill();
    remove();
  }
});

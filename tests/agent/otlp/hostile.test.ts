/** What the fuzzer found in the readers of OTLP and ModelInfer, each in its smallest form. */
import { describe, expect, it } from "vitest";
import { Interner } from "../../../agent/columns/interner.ts";
import { readInferMessage } from "../../../agent/mapping/infer-message.ts";
import { readJsonRequest } from "../../../agent/otlp/json-request.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { createCapture } from "../capture-harness.ts";
import { encodeRequest } from "../otlp-schema.ts";

const text = (stringValue: string) => ({ stringValue });
const attribute = (key: string, value: object) => ({ key, value });
const OURS = [attribute("ml.model.name", text("m")), attribute("ml.prediction.id", text("1"))];
const span = (more: object): Buffer =>
  encodeRequest("traces", { resourceSpans: [{ scopeSpans: [{ spans: [more] }] }] });

function read(signal: "logs" | "traces", bytes: Buffer) {
  const capture = createCapture();
  capture.take(() => capture.reader.read(signal, bytes));
  return capture.rows();
}

const hex = (digits: string): Buffer => Buffer.from(digits, "hex");
/** A field of less than 128 bytes. */
function field(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}

describe("the protobuf reader", () => {
  it("refuses tags and lengths of more than five bytes, and beyond UInt32", () => {
    expect(() => read("logs", hex("8a808080800000"))).toThrow("longer than 5 bytes");
    expect(() => read("logs", hex("0a808080808000"))).toThrow("longer than 5 bytes");
    expect(() => read("logs", hex("8a8080802000"))).toThrow("beyond 2^32");
  });

  it("takes the last of two numbers that stand for one feature", () => {
    const twice = field(0x12, hex("18ffffffff0f1805"));
    const features = field(0x32, field(0x0a, field(0x0a, Buffer.from("x")), twice));
    const named = field(0x0a, Buffer.from("ml.features"));
    const ours = ["ml.model.name", "ml.prediction.id"].map((key) =>
      field(0x32, field(0x0a, Buffer.from(key)), field(0x12, field(0x0a, Buffer.from("a")))),
    );
    const event = field(0x62, Buffer.from("ml.prediction"));
    const record = field(0x12, ...ours, field(0x32, named, field(0x12, features)), event);
    const body = field(0x0a, field(0x12, record));
    expect(read("logs", body).predictions).toMatchObject([{ num: [["x", 5]] }]);
  });

  it("refuses a value that stands in a message twice instead of dropping one of them", () => {
    const key = field(0x0a, Buffer.from("x"));
    const values = [field(0x12, hex("3200")), field(0x12, hex("3200"))];
    const record = field(0x12, field(0x32, key, ...values));
    expect(() => read("logs", field(0x0a, field(0x12, record)))).toThrow("twice");
  });

  it("knows the duration of a span that began in the first millisecond of 1970", () => {
    const bytes = span({
      name: "llm_request",
      startTimeUnixNano: "1",
      endTimeUnixNano: "1500000001",
      attributes: [
        attribute("gen_ai.request.model", text("m")),
        attribute("gen_ai.request.id", text("1")),
      ],
    });
    expect(read("traces", bytes).predictions).toMatchObject([{ latency: 1.5 }]);
  });

  it("joins the parts of a status: a later one that says no code leaves it", () => {
    const attributes = ["ml.model.name", "ml.prediction.id"].map((key) =>
      field(0x4a, field(0x0a, Buffer.from(key)), field(0x12, field(0x0a, Buffer.from("a")))),
    );
    const parts = [field(0x7a, hex("1802")), field(0x7a, field(0x12, Buffer.from("late")))];
    const body = field(0x0a, field(0x12, field(0x12, ...attributes, ...parts)));
    expect(read("traces", body).predictions).toMatchObject([{ error: "_OTHER" }]);
  });

  it("takes a span for one of ours only where id and model have values", () => {
    const named = (key: string, value: Buffer): Buffer =>
      field(0x4a, field(0x0a, Buffer.from(key)), field(0x12, value));
    // A field of AnyValue that nobody knows.
    const attributes = [
      named("ml.model.name", field(0x0a, Buffer.from("m"))),
      named("ml.prediction.id", field(0x7a, Buffer.from("1"))),
    ];
    const rows = read("traces", field(0x0a, field(0x12, field(0x12, ...attributes))));
    expect(rows).toEqual({ predictions: [], labels: [], deadLetters: [], serverMetrics: [] });
  });

  it("looks for mappings by event.name in spans too", () => {
    const label = span({
      name: "",
      attributes: [
        attribute("event.name", text("gen_ai.evaluation.result")),
        attribute("gen_ai.request.model", text("m")),
      ],
    });
    const { deadLetters } = read("traces", label);
    expect(deadLetters).toMatchObject([{ record: "labels", reason: "id_missing" }]);
  });

  it("sets a label aside whose prediction time is no time, or none that can be stored", () => {
    const values = [
      { arrayValue: { values: [] } },
      text(""),
      text("0001-01-01T00:00:00Z"),
      text("9999-12-31T00:00:00Z"),
    ];
    for (const value of values) {
      const bytes = encodeRequest("logs", {
        resourceLogs: [
          {
            scopeLogs: [
              {
                logRecords: [
                  {
                    eventName: "ml.ground_truth",
                    attributes: [
                      ...OURS,
                      attribute("ml.actual.label", text("a")),
                      attribute("ml.prediction.time", value),
                    ],
                  },
                ],
              },
            ],
          },
        ],
      });
      expect(read("logs", bytes)).toMatchObject({
        labels: [],
        deadLetters: [{ reason: "time_invalid" }],
      });
    }
  });

  it("describes messages that are nested without an end as the text that they are", () => {
    const deep = `[{"content":${"[".repeat(20_000)}${"]".repeat(20_000)}}]`;
    const { predictions } = read(
      "traces",
      span({
        name: "chat",
        attributes: [
          attribute("gen_ai.operation.name", text("chat")),
          attribute("gen_ai.request.model", text("m")),
          attribute("gen_ai.response.id", text("1")),
          attribute("gen_ai.input.messages", text(deep)),
        ],
      }),
    );
    expect(predictions).toMatchObject([{ model: "m" }]);
    expect(predictions[0]?.["num"]).toContainEqual(["input_characters", deep.length]);
  });
});

describe("the JSON reader", () => {
  const take = (json: string): void => {
    const { take, recorder, rules, mappings } = createCapture();
    take(() => readJsonRequest("logs", json, recorder, rules, mappings));
  };
  const record = (attributes: string, more = ""): string =>
    `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"ml.prediction"${more},"attributes":${attributes}}]}]}]}`;

  it.each([
    ["a text", record('[{"key":"x","value":{"stringValue":{"toString":null}}}]')],
    ["a number", record('[{"key":"x","value":{"doubleValue":{"toString":1,"valueOf":2}}}]')],
    ["a whole number", record('[{"key":"x","value":{"intValue":{"toString":1}}}]')],
    ["a time", record("[]", ',"timeUnixNano":{"toString":1}')],
    ["a count", record("[]", ',"droppedAttributesCount":{"valueOf":1}')],
  ])("refuses an object that can be no text where %s belongs", (_, json) => {
    expect(() => take(json)).toThrow(expect.objectContaining({ code: "request_malformed" }));
  });

  it("refuses what is nested too deeply, or has too many lists, before anything is made of it", () => {
    const deep = (levels: number): string => `{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    expect(() => take(deep(LIMITS.jsonDepthMax - 1))).not.toThrow();
    expect(() => take(deep(LIMITS.jsonDepthMax))).toThrow("nested too deeply");
    const wide = `{"a":[${"[],".repeat(LIMITS.jsonContainersMax)}[]]}`;
    expect(() => take(wide)).toThrow("too many lists and objects");
    expect(() => take(`{"a":"${"[".repeat(1_000)}\\"${"[".repeat(1_000)}"}`)).not.toThrow();
  });
});

describe("texts that are made to fall together", () => {
  /** As the interner mixes words; two words of four bytes make an entry of eight. */
  const mix = (hash: number, word: number): number => {
    const mixed = Math.imul(hash ^ word, 0x9e3779b1);
    return mixed ^ (mixed >>> 15);
  };

  it("are told apart, and met again as the ones that they are", () => {
    const count = 20_000;
    const bytes = Buffer.alloc(count * 8);
    for (let i = 0; i < count; i++) {
      // The second word takes back what the first one did: all have one hash.
      bytes.writeInt32LE(i, i * 8);
      bytes.writeInt32LE(mix(8, i) ^ 0x5bd1e995, i * 8 + 4);
    }
    const source = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
    const interner = new Interner([]);
    const entries = Array.from({ length: count }, (_, i) => interner.entryOf(source, i * 8, 8, -1));
    const again = entries.map((_, i) => interner.entryOf(source, i * 8, 8, -1));
    // One of those that no slot was left for may be met as a new one, once, after the table grew.
    expect(again.map((entry) => interner.idOfEntry(entry))).toEqual(
      entries.map((entry) => interner.idOfEntry(entry)),
    );
    expect(interner.size).toBeLessThan(2 * count);
  });

  it("are counted by what was met: a thousand broken sequences of UTF-8 can be one text", () => {
    const interner = new Interner([]);
    const bytes = Buffer.alloc(4_096 * 4);
    for (let i = 0; i < 4_096; i++) {
      bytes.set([0x80 | (i & 63), 0x80 | ((i >> 6) & 63), 0x80, 0x80], i * 4);
    }
    const source = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
    for (let i = 0; i < 4_096; i++) interner.entryOf(source, i * 4, 4, -1);
    expect(interner.textOf(1)).toBe("\uFFFD\uFFFD\uFFFD\uFFFD");
    expect(interner.size).toBe(4_096);
  });
});

describe("ModelInfer", () => {
  const dataOf = (...fields: readonly Buffer[]) =>
    readInferMessage("request", Buffer.concat(fields)).inputs[0]?.data;
  /** Two elements of INT32. */
  const head = Buffer.concat([
    field(0x0a, Buffer.from("x")),
    field(0x12, Buffer.from("INT32")),
    hex("1802"),
  ]);

  it("cuts int32 to its 32 bits, as every decoder does", () => {
    const contents = field(0x2a, hex("10ffffffff0f"), hex("10ffffffffffffffffff01"));
    expect(dataOf(field(0x2a, head, contents))).toEqual([-1, -1]);
  });

  it("joins contents that come in parts", () => {
    const parts = [field(0x2a, hex("1001")), field(0x2a, hex("1002"))];
    expect(dataOf(field(0x2a, head, ...parts))).toEqual([1, 2]);
  });

  it("refuses numbers that reach beyond what holds them", () => {
    const contents = hex("2a0420808080");
    expect(() => dataOf(field(0x2a, head, contents, hex("4013")))).toThrow("longer");
    const shape = field(0x2a, field(0x0a, Buffer.from("x")), hex("1a0180"));
    expect(() => dataOf(shape, hex("0100"))).toThrow("longer");
  });

  it("refuses fields of number 0, and tags beyond 2^32 that look like others once cut", () => {
    expect(() => dataOf(hex("0203722d31"))).toThrow("number that cannot be");
    expect(() => dataOf(hex("aa8080801000"))).toThrow("beyond 2^32");
  });
});

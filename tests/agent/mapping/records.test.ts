/** Other vocabularies, over both encodings of OTLP: what their records become by the mappings that ship. */
import { describe, expect, it } from "vitest";
import { readJsonRequest } from "../../../agent/otlp/json-request.ts";
import { Mapping } from "../../../contract/mapping.ts";
import { createCapture, NOW_MS, type Row } from "../capture-harness.ts";
import { decodeRequest, encodeRequest } from "../otlp-schema.ts";

type Value = Readonly<Record<string, unknown>>;
const text = (stringValue: string): Value => ({ stringValue });
const whole = (intValue: number): Value => ({ intValue });
const double = (doubleValue: number): Value => ({ doubleValue });
const texts = (...values: string[]): Value => ({ arrayValue: { values: values.map(text) } });
const attributes = (values: Readonly<Record<string, Value>>) =>
  Object.entries(values).map(([key, value]) => ({ key, value }));

const START = BigInt(NOW_MS) * 1_000_000n;
const span = (name: string, values: Readonly<Record<string, Value>>, more: object = {}) => ({
  name,
  traceId: Buffer.alloc(16, 1),
  spanId: Buffer.alloc(8, 2),
  startTimeUnixNano: String(START),
  endTimeUnixNano: String(START + 1_500_000_000n),
  attributes: attributes(values),
  ...more,
});

/** The rows of a request, which both encodings must give alike. */
function rowsOf(
  signal: "logs" | "traces",
  records: readonly object[],
  options: { resource?: Readonly<Record<string, Value>>; own?: readonly Mapping[] } = {},
) {
  const resource = { attributes: attributes(options.resource ?? {}) };
  const body =
    signal === "logs"
      ? { resourceLogs: [{ resource, scopeLogs: [{ logRecords: records }] }] }
      : { resourceSpans: [{ resource, scopeSpans: [{ spans: records }] }] };
  const bytes = encodeRequest(signal, body);
  const [fast, slow] = [createCapture({}, options.own), createCapture({}, options.own)];
  fast.take(() => fast.reader.read(signal, bytes));
  const decoded = JSON.stringify(decodeRequest(signal, bytes), (key, value: unknown) =>
    (key === "traceId" || key === "spanId") && typeof value === "string"
      ? Buffer.from(value, "base64").toString("hex")
      : value,
  );
  slow.take(() => readJsonRequest(signal, decoded, slow.recorder, slow.rules, slow.mappings));
  const rows = fast.rows();
  expect(slow.rows()).toEqual(rows);
  return { ...rows, unknown: fast.recorder.outcome.unknown };
}

const numbers = (row: Row | undefined): unknown => Object.fromEntries(row?.["num"] as never);
const categories = (row: Row | undefined): unknown => Object.fromEntries(row?.["cat"] as never);
const tags = (row: Row | undefined): unknown => Object.fromEntries(row?.["tags"] as never);

describe("spans of generative AI", () => {
  it("are predictions by the newest names, described and without their contents", () => {
    const messages = JSON.stringify([
      { role: "assistant", parts: [{ type: "text", content: "I'm sorry, I cannot do that." }] },
    ]);
    const { predictions } = rowsOf("traces", [
      span("chat gpt-4o", {
        "gen_ai.operation.name": text("chat"),
        "gen_ai.provider.name": text("openai"),
        "gen_ai.request.model": text("gpt-4o"),
        "gen_ai.response.model": text("gpt-4o-2024-08-06"),
        "gen_ai.response.id": text("chatcmpl-1"),
        "gen_ai.response.finish_reasons": texts("stop"),
        "gen_ai.usage.input_tokens": whole(12),
        "gen_ai.usage.output_tokens": whole(34),
        "gen_ai.output.messages": text(messages),
      }),
    ]);
    expect(predictions).toHaveLength(1);
    const [row] = predictions;
    expect(row).toMatchObject({ model: "gpt-4o", version: "gpt-4o-2024-08-06", id: "chatcmpl-1" });
    expect(row).toMatchObject({ latency: 1.5 });
    expect(numbers(row)).toEqual({
      input_tokens: 12,
      output_tokens: 34,
      output_characters: 28,
      output_repetition: 0,
      output_is_json: 0,
      output_refusal: 1,
    });
    expect(categories(row)).toEqual({ finish_reason: "stop" });
    expect(tags(row)).toEqual({ operation: "chat", provider: "openai" });
    expect(JSON.stringify(row)).not.toContain("sorry");
  });

  it("are read by the names of earlier generations too, and by their span where they have no id", () => {
    const { predictions } = rowsOf("traces", [
      span("chat", {
        "gen_ai.operation.name": text("chat"),
        "gen_ai.system": text("anthropic"),
        "gen_ai.request.model": text("claude"),
        "gen_ai.usage.prompt_tokens": whole(3),
        "gen_ai.usage.completion_tokens": whole(4),
      }),
    ]);
    expect(predictions[0]).toMatchObject({ id: `${"01".repeat(16)}:${"02".repeat(8)}` });
    expect(numbers(predictions[0])).toEqual({ input_tokens: 3, output_tokens: 4 });
    expect(tags(predictions[0])).toEqual({ operation: "chat", provider: "anthropic" });
  });

  it("count as failed by their status, and steps of an agent are no predictions", () => {
    const { predictions, unknown } = rowsOf("traces", [
      span(
        "chat",
        { "gen_ai.operation.name": text("chat"), "gen_ai.request.model": text("m") },
        { status: { code: 2 } },
      ),
      span("execute_tool", { "gen_ai.operation.name": text("execute_tool") }),
    ]);
    expect(predictions).toMatchObject([{ model: "m", error: "_OTHER" }]);
    expect(unknown).toBe(1);
  });

  it("of an evaluation are labels of the answer that they evaluate", () => {
    const { labels } = rowsOf("logs", [
      {
        timeUnixNano: String(START),
        eventName: "gen_ai.evaluation.result",
        attributes: attributes({
          "gen_ai.request.model": text("gpt-4o"),
          "gen_ai.response.id": text("chatcmpl-1"),
          "gen_ai.evaluation.name": text("relevance"),
          "gen_ai.evaluation.score.label": text("relevant"),
          "gen_ai.evaluation.score.value": double(0.9),
        }),
      },
    ]);
    expect(labels).toMatchObject([
      { model: "gpt-4o", id: "chatcmpl-1", label: "relevant", value: 0.9, source: "relevance" },
    ]);
  });
});

it("vLLM's own spans become predictions of the server that sends them", () => {
  const { predictions } = rowsOf(
    "traces",
    [
      span("llm_request", {
        "gen_ai.request.id": text("cmpl-7"),
        "gen_ai.usage.prompt_tokens": whole(100),
        "gen_ai.usage.completion_tokens": whole(50),
        "gen_ai.latency.time_in_queue": double(0.25),
        "gen_ai.latency.e2e": double(2.5),
      }),
    ],
    { resource: { "service.name": text("llama-server") } },
  );
  expect(predictions).toMatchObject([{ model: "llama-server", id: "cmpl-7", latency: 2.5 }]);
  expect(numbers(predictions[0])).toEqual({
    input_tokens: 100,
    output_tokens: 50,
    time_in_queue: 0.25,
  });
});

it("OpenInference and Triton are known by what their spans carry", () => {
  const { predictions, unknown } = rowsOf("traces", [
    span("ChatCompletion", {
      "openinference.span.kind": text("LLM"),
      "llm.model_name": text("gpt-4o"),
      "llm.token_count.prompt": whole(9),
      "output.value": text('{"answer": 42}'),
    }),
    span("retrieve", { "openinference.span.kind": text("RETRIEVER") }),
    span("densenet", {
      "triton.model_name": text("densenet"),
      "triton.model_version": whole(3),
      "triton.request_id": text("r-1"),
    }),
    span("compute", {}),
  ]);
  expect(predictions).toMatchObject([
    { model: "gpt-4o" },
    { model: "densenet", version: "3", id: "r-1", latency: 1.5 },
  ]);
  expect(numbers(predictions[0])).toMatchObject({ input_tokens: 9, output_is_json: 1 });
  expect(unknown).toBe(2);
});

it("a mapping of one's own goes before those that ship, and reads a log's body by paths", () => {
  const own = [
    Mapping.parse({
      name: "ranker",
      from: "record",
      when: { name: "rank.done" },
      model: "=ranker",
      id: "body:request.id",
      features: { depth: "body:request.depth", "a.b": "body:a.b" },
      tags: { region: "resource:cloud.region" },
      score: "body:score",
    }),
  ];
  const entry = (key: string, value: Value) => ({ key, value });
  const { predictions } = rowsOf(
    "logs",
    [
      {
        timeUnixNano: String(START),
        eventName: "rank.done",
        body: {
          kvlistValue: {
            values: [
              entry("request", {
                kvlistValue: { values: [entry("id", text("q1")), entry("depth", whole(5))] },
              }),
              entry("a.b", double(0.5)),
              entry("score", double(0.75)),
            ],
          },
        },
      },
    ],
    { own, resource: { "cloud.region": text("eu") } },
  );
  expect(predictions).toMatchObject([{ model: "ranker", id: "q1", score: 0.75 }]);
  expect(numbers(predictions[0])).toEqual({ depth: 5, "a.b": 0.5 });
  expect(tags(predictions[0])).toEqual({ region: "eu" });
});

it("log records without an event name are known by their attributes alone, from the first one on", () => {
  const { predictions } = rowsOf("logs", [
    {
      timeUnixNano: String(START),
      attributes: attributes({
        "gen_ai.operation.name": text("chat"),
        "gen_ai.request.model": text("m"),
        "gen_ai.response.id": text("r-1"),
      }),
    },
  ]);
  expect(predictions).toMatchObject([{ model: "m", id: "r-1" }]);
});

it("a record without the id that its mapping asks for is set aside, as ours are", () => {
  const { deadLetters } = rowsOf("logs", [
    {
      timeUnixNano: String(START),
      eventName: "gen_ai.evaluation.result",
      attributes: attributes({ "gen_ai.request.model": text("m") }),
    },
  ]);
  expect(deadLetters).toMatchObject([{ reason: "id_missing", model: "m" }]);
});

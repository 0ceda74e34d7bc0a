/**
 * A call in the shape of OpenAI's HTTP API becomes a prediction: token counts, times and descriptors as features,
 * never its texts. Answers come whole, or as server-sent events. Pure.
 */
import { z } from "zod";
import { describeText } from "../mapping/describe-text.ts";
import { jsonOrNothing } from "../json-text.ts";
import { malformedBody } from "../otlp/wire.ts";
import type { PlainPrediction, PlainValue } from "../plain-record.ts";

const Request = z.looseObject({
  model: z.string(),
  messages: z.unknown().optional(),
  prompt: z.unknown().optional(),
  stream: z.boolean().optional(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  max_tokens: z.number().nullish(),
  max_completion_tokens: z.number().nullish(),
});

const Usage = z.looseObject({
  prompt_tokens: z.number().optional(),
  completion_tokens: z.number().optional(),
  prompt_tokens_details: z.looseObject({ cached_tokens: z.number().optional() }).nullish(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: z.number().optional() }).nullish(),
});
const Text = z.string().nullish();
const Choice = z.looseObject({
  finish_reason: Text,
  text: Text,
  message: z.looseObject({ content: Text, refusal: Text }).nullish(),
  delta: z.looseObject({ content: Text, refusal: Text }).nullish(),
});
const Answer = z.looseObject({
  model: z.string().optional(),
  choices: z.array(Choice).prefault([]),
  usage: Usage.nullish(),
});

export interface OpenaiCall {
  readonly id: string;
  readonly timeMs: number;
  readonly latencySeconds: number;
  readonly firstByteSeconds: number;
  readonly error: string | null;
  readonly request: Buffer | null;
  readonly response: Buffer | null;
  readonly isStream: boolean;
}

/** What of an answer is kept. */
interface Told {
  readonly model: string | null;
  readonly finish: string | null;
  readonly text: string;
  readonly refused: boolean;
  readonly usage: z.output<typeof Usage> | null;
}

/** @throws {DriftmendError} request_malformed: the request is not what the API takes */
export function openaiPrediction(
  call: OpenaiCall,
  endpoint: "chat" | "completions",
): PlainPrediction {
  const parsed = Request.safeParse(jsonIn(call.request ?? Buffer.alloc(0)));
  if (!parsed.success) throw malformedBody(z.prettifyError(parsed.error));
  const request = parsed.data;
  const told = call.error === null ? answerOf(call.response, call.isStream) : null;
  const asked = endpoint === "chat" ? request.messages : request.prompt;
  const features: (readonly [string, PlainValue])[] = [
    ["input_tokens", told?.usage?.prompt_tokens],
    ["output_tokens", told?.usage?.completion_tokens],
    ["cached_tokens", told?.usage?.prompt_tokens_details?.cached_tokens],
    ["reasoning_tokens", told?.usage?.completion_tokens_details?.reasoning_tokens],
    ["temperature", request.temperature],
    ["top_p", request.top_p],
    ["max_tokens", request.max_completion_tokens ?? request.max_tokens],
    ["finish_reason", told?.finish],
    ["time_to_first_chunk", call.isStream ? finite(call.firstByteSeconds) : undefined],
    ...describeText("input", asked),
    ...(told === null ? [] : describeText("output", told.text)),
  ];
  if (told?.refused === true) features.push(["output_declined", 1]);
  return {
    model: request.model,
    version: told?.model,
    id: call.id,
    timeMs: call.timeMs,
    label: undefined,
    score: undefined,
    value: undefined,
    latency: call.latencySeconds,
    error: call.error,
    features,
    featuresJson: null,
    tags: [["operation", endpoint]],
    probabilities: [],
  };
}

function answerOf(bytes: Buffer | null, isStream: boolean): Told | null {
  if (bytes === null) return null;
  const parts = isStream ? eventsIn(bytes.toString("utf8")) : [jsonIn(bytes)];
  const answers = parts.flatMap((part) => Answer.safeParse(part).data ?? []);
  const first = answers.flatMap(({ choices }) => choices.slice(0, 1));
  const texts = first.map(({ text, message, delta }) => text ?? message?.content ?? delta?.content);
  return {
    model: answers.find(({ model }) => model !== undefined)?.model ?? null,
    finish:
      first.findLast(({ finish_reason: finish }) => typeof finish === "string")?.finish_reason ??
      null,
    text: texts.map((text) => text ?? "").join(""),
    refused: first.some(({ message, delta }) => (message ?? delta)?.refusal != null),
    usage: answers.findLast(({ usage }) => usage != null)?.usage ?? null,
  };
}

/** The data of server-sent events; the end mark is no JSON. */
function eventsIn(text: string): readonly unknown[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:"))
    .flatMap((line) => {
      const data = jsonOrNothing(line.slice("data:".length));
      return data === undefined ? [] : [data];
    });
}

const jsonIn = (bytes: Buffer): unknown => jsonOrNothing(bytes.toString("utf8"));

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);

/** Calls in the shape of OpenAI's API with answers whole and as server-sent events. */
import { openaiPrediction } from "../../../agent/proxy/openai-call.ts";
import { readEventLines } from "../../../agent/doors/json-lines.ts";
import { takePlainPrediction } from "../../../agent/plain-record.ts";
import type { Random } from "../../../runtime/random.ts";
import { createCapture, NOW_MS } from "../../agent/capture-harness.ts";
import { type Door, verdictOf } from "../door.ts";
import { chance, hostileText, pick, sized } from "../hostile-values.ts";
import {
  type Entry,
  jsonNumber,
  jsonObject,
  jsonString,
  jsonValue,
  nestedJson,
  or,
} from "../json-text.ts";
import { mutate } from "../mutate.ts";
import { DOCUMENTS, SOUND_LINE, expectSoundRow } from "../sound-record.ts";

const some = (random: Random, entries: readonly Entry[]): string =>
  jsonObject(
    random,
    entries.map(([key, json]) => [key, or(random, json)]),
  );

function content(random: Random): string {
  if (chance(random, 0.02)) return nestedJson(random);
  if (chance(random, 0.03)) return jsonString(random, `[{"content":${nestedJson(random)}}]`);
  return jsonString(random, hostileText(random));
}

function request(random: Random): string {
  const messages = Array.from({ length: sized(random, 5) }, () =>
    some(random, [
      ["role", '"user"'],
      ["content", content(random)],
    ]),
  );
  return some(random, [
    ["model", jsonString(random, chance(random, 0.9) ? "m" : hostileText(random))],
    ["messages", `[${messages.join(",")}]`],
    ["temperature", jsonNumber(random)],
    ["stream", "true"],
  ]);
}

function choice(random: Random, kind: "message" | "delta"): string {
  const inner = some(random, [
    ["content", content(random)],
    ["refusal", "null"],
  ]);
  return some(random, [
    [kind, inner],
    ["finish_reason", '"stop"'],
    ["text", "null"],
  ]);
}

function answer(random: Random, kind: "message" | "delta"): string {
  const usage = some(random, [
    ["prompt_tokens", jsonNumber(random)],
    ["completion_tokens_details", jsonValue(random, 2)],
  ]);
  return some(random, [
    ["model", '"m-1"'],
    ["choices", `[${choice(random, kind)}]`],
    ["usage", chance(random, 0.5) ? usage : "null"],
  ]);
}

function stream(random: Random): string {
  const events = Array.from({ length: sized(random, 20) }, () => {
    const data = chance(random, 0.95) ? answer(random, "delta") : hostileText(random);
    return `${pick(random, ["data: ", "data:", "event: x\ndata: ", ": "])}${data}\n\n`;
  });
  return `${events.join("")}data: [DONE]\n\n`;
}

/** Whether the answer is a stream, the length of the request, the request, the answer. */
function make(random: Random): Buffer {
  const isStream = chance(random, 0.5);
  const damage = (text: string): Buffer => {
    const bytes = Buffer.from(text);
    return chance(random, 0.4) ? mutate(random, bytes, Buffer.from(request(random))) : bytes;
  };
  const asked = damage(request(random));
  const answered = damage(isStream ? stream(random) : answer(random, "message"));
  const head = Buffer.alloc(5);
  head.writeUInt8(isStream ? 1 : 0, 0);
  head.writeUInt32LE(asked.length, 1);
  return Buffer.concat([head, asked, answered]);
}

export function openaiDoor(): Door {
  const capture = createCapture(DOCUMENTS);
  return {
    name: "openai",
    weight: 8,
    make,
    feed: (payload) => {
      if (payload.length < 5) return "refused: shrunken";
      const end = Math.min(5 + payload.readUInt32LE(1), payload.length);
      const call = {
        ...{ id: "c-1", timeMs: NOW_MS, latencySeconds: 1, firstByteSeconds: 0.5, error: null },
        ...{
          request: payload.subarray(5, end),
          response: payload.subarray(end),
          isStream: payload[0] === 1,
        },
      };
      capture.rows();
      return verdictOf(["request_malformed"], () => {
        const record = openaiPrediction(call, "chat");
        capture.take(() => takePlainPrediction(capture.recorder, record));
        const [dead] = capture.rows().deadLetters;
        return dead === undefined ? "accepted" : `refused: ${String(dead["reason"])}`;
      });
    },
    checkSound: () => expectSoundRow(capture, () => readEventLines(SOUND_LINE, capture.recorder)),
  };
}

/** Event and label lines. The reader of label lines that works on bytes must do what JSON.parse and the general way do. */
import { readEventLines, readLabelLines } from "../../../agent/doors/json-lines.ts";
import { LabelLineReader } from "../../../agent/doors/label-lines.ts";
import type { Random } from "../../../runtime/random.ts";
import { createCapture } from "../../agent/capture-harness.ts";
import { type Door, Violation, verdictOf } from "../door.ts";
import { chance, hostileText, hostileTime, pick, sized } from "../hostile-values.ts";
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
import { DOCUMENTS, SOUND_LINE, expectSoundRow, same, shown } from "../sound-record.ts";

const SEPARATORS = ["\n", "\n", "\n", "\r\n", "\n\n", " \n", "\u2028", ""] as const;

function eventLine(random: Random): string {
  const map = (value: () => string): string =>
    jsonObject(
      random,
      Array.from({ length: sized(random, 8) }, (_, i): Entry => {
        return [chance(random, 0.7) ? `f${i}` : hostileText(random), or(random, value())];
      }),
    );
  const entries: Entry[] = [
    ["model", jsonString(random, chance(random, 0.9) ? "m" : hostileText(random))],
    ["id", chance(random, 0.8) ? `"${random.integer(1e6)}"` : jsonValue(random)],
    ["time", chance(random, 0.8) ? JSON.stringify(hostileTime(random)) : jsonNumber(random)],
    ["features", map(() => jsonValue(random, 3))],
  ];
  if (chance(random, 0.5)) entries.push(["score", jsonNumber(random)]);
  if (chance(random, 0.3)) entries.push(["label", jsonValue(random, 3)]);
  if (chance(random, 0.3))
    entries.push(["tags", map(() => jsonString(random, hostileText(random)))]);
  if (chance(random, 0.2)) entries.push(["probabilities", map(() => jsonNumber(random))]);
  if (chance(random, 0.2)) entries.push(["latency", jsonNumber(random)]);
  return jsonObject(
    random,
    entries.map(([key, json]) => [key, or(random, json)]),
  );
}

function labelLine(random: Random): string {
  const text = (): string => jsonString(random, hostileText(random));
  const entries: Entry[] = [
    ["model", chance(random, 0.9) ? '"m"' : text()],
    ["id", chance(random, 0.7) ? `"${random.integer(1e6)}"` : jsonValue(random, 3)],
    chance(random, 0.5) ? ["label", text()] : ["value", jsonNumber(random)],
  ];
  if (chance(random, 0.5)) entries.push(["prediction_time", JSON.stringify(hostileTime(random))]);
  if (chance(random, 0.5)) entries.push(["time", JSON.stringify(hostileTime(random))]);
  if (chance(random, 0.3)) entries.push(["source", text()]);
  if (chance(random, 0.3)) entries.push(["revision", jsonNumber(random)]);
  if (chance(random, 0.2)) entries.push([hostileText(random), jsonNumber(random)]);
  const line = jsonObject(
    random,
    entries.map(([key, json]) => [key, or(random, json)]),
  );
  return chance(random, 0.1) ? line.replaceAll(":", " :\t") : line;
}

function body(random: Random, line: (random: Random) => string): Buffer {
  if (chance(random, 0.01)) return Buffer.from(nestedJson(random));
  if (chance(random, 0.003)) {
    return Buffer.from(
      pick(random, ["1\n", "\n", "{}\n", " \n", "[]\n"]).repeat(sized(random, 20_000)),
    );
  }
  const lines = Array.from({ length: sized(random, 12) }, () => or(random, line(random)));
  const text = chance(random, 0.15)
    ? `[${lines.join(",")}]`
    : lines.map((one) => one + pick(random, SEPARATORS)).join("");
  const bytes = Buffer.from(chance(random, 0.02) ? `\uFEFF${text}` : text);
  return chance(random, 0.5) ? mutate(random, bytes, Buffer.from(line(random))) : bytes;
}

export function eventLinesDoor(): Door {
  const capture = createCapture(DOCUMENTS);
  return {
    name: "event-lines",
    weight: 12,
    make: (random) => body(random, eventLine),
    feed: (payload) => {
      capture.rows();
      return verdictOf(["request_malformed"], () => {
        capture.take(() => readEventLines(payload.toString("utf8"), capture.recorder));
        const { predictions, deadLetters } = capture.rows();
        const [dead] = deadLetters;
        if (predictions.length > 0 || dead === undefined) return "accepted";
        return `refused: ${String(dead["reason"])}`;
      });
    },
    checkSound: () => expectSoundRow(capture, () => readEventLines(SOUND_LINE, capture.recorder)),
  };
}

export function labelLinesDoor(): Door {
  const fast = createCapture(DOCUMENTS);
  const slow = createCapture(DOCUMENTS);
  const reader = new LabelLineReader(fast.recorder);
  return {
    name: "label-lines",
    weight: 12,
    make: (random) => body(random, labelLine),
    feed: (payload) => {
      fast.rows();
      slow.rows();
      const verdict = verdictOf(["request_malformed"], () => fast.take(() => reader.read(payload)));
      const other = verdictOf(["request_malformed"], () =>
        slow.take(() => readLabelLines(payload.toString("utf8"), slow.recorder)),
      );
      const [rows, others] = [fast.rows(), slow.rows()];
      if (verdict !== other || !same(rows, others)) {
        throw new Violation(
          `${verdict} with ${shown(rows)}, and by JSON.parse ${other} with ${shown(others)}`,
        );
      }
      const [dead] = rows.deadLetters;
      return rows.labels.length > 0 || dead === undefined
        ? verdict
        : `refused: ${String(dead["reason"])}`;
    },
    checkSound: () => expectSoundRow(fast, () => readEventLines(SOUND_LINE, fast.recorder)),
  };
}

/** What people write: onboarding documents and files of mappings. A wrong one is refused with its problems. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { CaptureDocument, FeatureRules } from "../../../agent/columns/feature-rules.ts";
import { readMappings } from "../../../agent/mapping/read-mappings.ts";
import { DriftmendError } from "../../../contract/driftmend-error.ts";
import { problemLine, problemsOf } from "../../../contract/document-problems.ts";
import type { Random } from "../../../runtime/random.ts";
import { type Door, verdictOf } from "../door.ts";
import { chance, hostileText, pick, sized } from "../hostile-values.ts";
import { type Entry, jsonObject, jsonString, jsonValue, or } from "../json-text.ts";
import { mutate } from "../mutate.ts";

const FILE_BYTES_MAX = 64 * 1024;
const BOMB = `a: &a [x,x,x,x,x,x,x,x,x]\n${["b", "c", "d", "e", "f", "g", "h"]
  .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefg"[i]}`).join(",")}]`)
  .join("\n")}\n`;

function some(random: Random, entries: readonly Entry[]): string {
  const kept = entries.filter(() => chance(random, 0.85));
  return jsonObject(
    random,
    kept.map(([key, json]) => [key, or(random, json)]),
  );
}

function document(random: Random): string {
  const feature = (): string =>
    some(random, [
      ["type", pick(random, ['"numeric"', '"categorical"', '"text"'])],
      [
        "redact",
        pick(random, [
          '"hash"',
          '"drop"',
          '{"replace":"[0-9]+","by":"#"}',
          '{"replace":"(","by":""}',
        ]),
      ],
      ["range", "[0,1]"],
    ]);
  return some(random, [
    ["apiVersion", '"driftmend/v1"'],
    ["kind", '"Model"'],
    [
      "metadata",
      some(random, [
        ["name", jsonString(random, hostileText(random))],
        ["owner", '"a@b.example"'],
      ]),
    ],
    ["task", '{"type":"binary","positive":"yes","threshold":0.5}'],
    ["match", '{"resource":{"service.name":"x"}}'],
    [
      "features",
      jsonObject(
        random,
        Array.from(
          { length: sized(random, 5) },
          (): Entry => [hostileText(random).slice(0, 100), feature()],
        ),
      ),
    ],
    ["segments", '["a","b"]'],
    ["rollup", '"1h"'],
    [
      "labels",
      some(random, [
        ["lateness", '"1h"'],
        ["negative_after", '"45d"'],
      ]),
    ],
    [
      "alerts",
      some(random, [
        ["budget", '"1 page per 30d"'],
        ["page", '"pagerduty/x"'],
      ]),
    ],
    [
      "retrain",
      some(random, [
        ["mode", '"observe"'],
        ["when", '[{"threshold":"skill < 0.9 * baseline for 2 windows"}]'],
      ]),
    ],
    [
      "map",
      some(random, [
        ["from", '"v2"'],
        ["inputs", '{"x":{"columns":["a"]}}'],
      ]),
    ],
  ]);
}

function mappings(random: Random): string {
  const mapping = (): string =>
    some(random, [
      ["name", '"ranker"'],
      ["from", pick(random, ['"record"', '"v2"'])],
      ["when", '{"name":"rank.done"}'],
      ["model", '"=ranker"'],
      ["id", '["request.id","body:a.b"]'],
      ["features", jsonObject(random, [[hostileText(random), '"depth"']])],
    ]);
  return jsonObject(random, [["mappings", `[${mapping()},${mapping()}]`]]);
}

/** `d` or `m`, then the file. */
function make(random: Random): Buffer {
  const letter = pick(random, ["d", "d", "m"]);
  if (chance(random, 0.005)) return Buffer.from(letter + BOMB);
  const text = Buffer.from(letter === "d" ? document(random) : mappings(random));
  const damaged = chance(random, 0.5) ? mutate(random, text, Buffer.from(jsonValue(random))) : text;
  // The parser's time grows with the square of the depth: files are an operator's own, and short.
  return Buffer.concat([Buffer.from(letter), damaged.subarray(0, FILE_BYTES_MAX)]);
}

export function documentsDoor(): Door {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-fuzz-"));
  const file = join(folder, "mappings.yaml");
  return {
    name: "documents",
    weight: 1,
    make,
    feed: (payload) => {
      const bytes = payload.subarray(1);
      if (payload[0] !== 0x6d) return documentVerdict(bytes);
      writeFileSync(file, bytes);
      return verdictOf(["mapping_invalid"], () => void readMappings(file));
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

function documentVerdict(bytes: Buffer): string {
  let given: unknown;
  try {
    // Warnings of what looks odd would be all that one reads here.
    given = parse(bytes.toString("utf8"), { logLevel: "error" });
  } catch (error) {
    if (error instanceof DriftmendError || !(error instanceof Error)) throw error;
    // The parser's own: syntax, or aliases that would make too much of it.
    if (error.name === "YAMLParseError" || error.message.includes("alias"))
      return "refused: no YAML";
    throw error;
  }
  const problems = problemsOf(given);
  if (problems.length > 0) {
    for (const problem of problems) problemLine(problem);
    return "refused: document_invalid";
  }
  new FeatureRules().set("m", CaptureDocument.parse(given));
  return "accepted";
}

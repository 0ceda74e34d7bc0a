/** Requests and answers of inference servers as request loggers send them: CloudEvents in pairs, V1, V2, Seldon, binary tensors. */
import { readEvents } from "../../../agent/doors/cloud-events.ts";
import { takePair } from "../../../agent/pairs/take-pair.ts";
import type { Half } from "../../../agent/pairs/half.ts";
import { PairBook } from "../../../agent/pairs/pair-book.ts";
import { readEventLines } from "../../../agent/doors/json-lines.ts";
import type { Random } from "../../../runtime/random.ts";
import { createCapture, NOW_MS } from "../../agent/capture-harness.ts";
import { type Door, Violation, verdictOf } from "../door.ts";
import { chance, hostileNumber, hostileText, hostileTime, pick, sized } from "../hostile-values.ts";
import { type Entry, jsonNumber, jsonObject, jsonString, jsonValue, or } from "../json-text.ts";
import { mutate } from "../mutate.ts";
import { DOCUMENTS, SOUND_LINE, expectSoundRow } from "../sound-record.ts";

/** A document whose mapping names tensors, so that both ways are gone. */
export const EXCHANGE_DOCUMENTS = {
  ...DOCUMENTS,
  flights: {
    task: { type: "binary", positive: "yes" },
    map: {
      from: "v2",
      identity: "tensor:id",
      inputs: { x: { columns: ["a", "b"] }, image: { ignore: true } },
      outputs: {
        y: { probabilities: ["no", "yes"] },
        z: { label: ["cat", "dog"] },
        w: { score: 1 },
      },
      tags: { region: "body:$.parameters.region", first: "tensor:x" },
    },
  },
};

const DATATYPES = [
  ...["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"],
  ...["FP16", "FP32", "FP64", "BF16", "BYTES", "constructor", "__proto__", ""],
] as const;
const WIDTHS: ReadonlyMap<string, number> = new Map([
  ...(["BOOL", "UINT8", "INT8"] as const).map((type) => [type, 1] as const),
  ...(["UINT16", "INT16", "FP16", "BF16"] as const).map((type) => [type, 2] as const),
  ...(["UINT64", "INT64", "FP64"] as const).map((type) => [type, 8] as const),
]);
const LENGTHS = [0, 1, 1, 2, 2, 3, 10, 513, 10_001, 2 ** 31, 2 ** 53 - 1] as const;
const NAMES = ["x", "y", "z", "w", "id", "image", "input__0", "constructor", "__proto__"] as const;

function shapeOf(random: Random): readonly number[] {
  const length = (): number =>
    chance(random, 0.9) ? 1 + random.integer(3) : pick(random, LENGTHS);
  return Array.from({ length: random.integer(4) }, length);
}

const sizeOf = (shape: readonly number[]): number =>
  shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1);

/** A tensor of V2 as JSON, and the bytes that stand for it behind the JSON. */
function tensor(random: Random): { readonly json: string; readonly binary: Buffer } {
  const shape = shapeOf(random);
  const datatype = pick(random, DATATYPES);
  const size = Math.min(sizeOf(shape), 2_000);
  const name = chance(random, 0.9) ? pick(random, NAMES) : hostileText(random);
  const entries: Entry[] = [
    ["name", jsonString(random, name)],
    ["shape", chance(random, 0.95) ? JSON.stringify(shape) : jsonValue(random)],
    ["datatype", jsonString(random, datatype)],
  ];
  if (chance(random, 0.3)) {
    const binary = Buffer.alloc(size * (WIDTHS.get(datatype) ?? 4), random.integer(256));
    const length = chance(random, 0.9) ? String(binary.length) : jsonValue(random, 3);
    entries.push(["parameters", `{"binary_data_size":${length}}`]);
    return { json: jsonObject(random, entries), binary };
  }
  const items = Array.from({ length: size }, () =>
    datatype === "BYTES" ? jsonString(random, hostileText(random)) : jsonNumber(random),
  );
  entries.push(["data", or(random, `[${items.join(",")}]`)]);
  return { json: jsonObject(random, entries), binary: Buffer.alloc(0) };
}

function v2(random: Random, side: Half["side"]): Buffer {
  const many = chance(random, 0.003) ? sized(random, 30_000) : sized(random, 4);
  const tensors = Array.from({ length: many }, (_, i) =>
    many > 100 ? emptyTensor(i) : tensor(random),
  );
  const entries: Entry[] = [
    [side === "request" ? "inputs" : "outputs", `[${tensors.map(({ json }) => json).join(",")}]`],
    ["id", or(random, '"r-1"')],
  ];
  if (side === "response") entries.push(["model_version", or(random, '"7"')]);
  const json = jsonObject(
    random,
    entries.map(([key, text]) => [key, or(random, text)]),
  );
  return Buffer.concat([Buffer.from(json), ...tensors.map(({ binary }) => binary)]);
}

/** Costs a few bytes, says that it has rows. */
const emptyTensor = (rows: number) => ({
  json: `{"name":"e","shape":[${rows},0],"datatype":"FP32","data":[]}`,
  binary: Buffer.alloc(0),
});

function v1(random: Random, side: Half["side"]): Buffer {
  const rows = Array.from({ length: sized(random, 6) }, () => {
    if (chance(random, 0.3)) return jsonValue(random, 2);
    const entries = ["a", "b", "constructor"].map((key): Entry => [key, jsonNumber(random)]);
    return chance(random, 0.5) ? jsonObject(random, entries) : `[${jsonNumber(random)}]`;
  });
  const name = side === "request" ? "instances" : "predictions";
  if (chance(random, 0.3)) {
    const data = jsonObject(random, [
      ["names", or(random, '["a"]')],
      ["ndarray", or(random, `[${rows.join(",")}]`)],
    ]);
    return Buffer.from(jsonObject(random, [["data", or(random, data)]]));
  }
  return Buffer.from(jsonObject(random, [[name, or(random, `[${rows.join(",")}]`)]]));
}

const bodyOf = (random: Random, side: Half["side"]): Buffer =>
  chance(random, 0.7) ? v2(random, side) : v1(random, side);

/** An event's headers and body as one payload. */
interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function metadata(random: Random): string {
  if (chance(random, 0.3)) return jsonValue(random);
  return jsonObject(random, [["X-Request-Id", or(random, '["a"]')]]);
}

function event(random: Random, side: Half["side"], model: string): Sent {
  const body = bodyOf(random, side);
  const bytes = chance(random, 0.4) ? mutate(random, body, bodyOf(random, side)) : body;
  const type = `org.kubeflow.serving.inference.${side}`;
  const attributes: Record<string, string> = {
    ...{ specversion: "1.0", id: chance(random, 0.95) ? "e-1" : hostileText(random), type },
    ...{ inferenceservicename: model, time: hostileTime(random), component: "predictor" },
    ...(side === "request" ? { metadata: metadata(random) } : {}),
    ...(chance(random, 0.2) ? { endpoint: hostileText(random) } : {}),
  };
  const length = chance(random, 0.1)
    ? { "inference-header-content-length": String(Math.floor(hostileNumber(random))) }
    : {};
  const headers = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]);
  if (chance(random, 0.5)) {
    return {
      headers: { ...Object.fromEntries(headers), ...length },
      body: bytes.toString("base64"),
    };
  }
  const data = chance(random, 0.5)
    ? (["data_base64", JSON.stringify(bytes.toString("base64"))] as const)
    : ([
        "data",
        isJson(bytes) ? bytes.toString("utf8") : JSON.stringify(bytes.toString("utf8")),
      ] as const);
  const json = jsonObject(random, [
    ...Object.entries(attributes).map(
      ([key, value]): Entry => [key, or(random, JSON.stringify(value))],
    ),
    data,
  ]);
  const isBatch = chance(random, 0.3);
  const text = Buffer.from(isBatch ? `[${json},${json}]` : json);
  const kind = isBatch ? "application/cloudevents-batch+json" : "application/cloudevents+json";
  return {
    headers: { "content-type": kind },
    body: (chance(random, 0.2) ? mutate(random, text, bytes) : text).toString("base64"),
  };
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}

export function cloudEventsDoor(): Door {
  const capture = createCapture(EXCHANGE_DOCUMENTS);
  return {
    name: "cloud-events",
    weight: 10,
    make: (random) => {
      const model = chance(random, 0.9) ? pick(random, ["m", "flights"]) : hostileText(random);
      const sides = chance(random, 0.5)
        ? (["request", "response"] as const)
        : (["response", "request"] as const);
      return Buffer.from(JSON.stringify(sides.map((side) => event(random, side, model))));
    },
    feed: (payload) => {
      capture.rows();
      const book = new PairBook();
      let verdict = "accepted: waits";
      for (const { headers, body } of parse(payload)) {
        const came = verdictOf(["request_malformed"], () => {
          for (const read of readEvents(headers, Buffer.from(body, "base64"), NOW_MS)) {
            if (read.kind === "half") verdict = meet(read.half) ?? verdict;
          }
        });
        if (came !== "accepted") return came;
      }
      return verdict;

      function meet(half: Half): string | null {
        const met = book.meet(half);
        if (met.kind === "waits") book.add(half);
        if (met.kind !== "pair") return null;
        capture.take(() => takePair(met.pair, capture));
        return outcomeOf(capture.rows());
      }
    },
    checkSound: () => expectSoundRow(capture, () => readEventLines(SOUND_LINE, capture.recorder)),
  };
}

function outcomeOf(rows: ReturnType<ReturnType<typeof createCapture>["rows"]>): string {
  const [dead] = rows.deadLetters;
  if (rows.predictions.length > 0) return "accepted";
  if (dead === undefined) return "accepted: no rows";
  const detail = String(dead["detail"])
    .replaceAll(/"[^"]*"|-?[\d.]+/g, "#")
    .slice(0, 60);
  if (/^Cannot (read|set)|stack/.test(detail) && !detail.startsWith("Cannot read the request as")) {
    throw new Violation(`a dead letter for a fault of ours: ${detail}`);
  }
  return `refused: ${String(dead["reason"])}: ${detail}`;
}

/** Shrunken payloads need not be what the generator makes. */
function parse(payload: Buffer): readonly Sent[] {
  try {
    const list = JSON.parse(payload.toString("utf8")) as Sent[];
    return list.filter(
      ({ headers, body }) => typeof headers === "object" && typeof body === "string",
    );
  } catch {
    return [];
  }
}

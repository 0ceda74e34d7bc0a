/** A record that every door must take as it is, whatever came before it, and how rows are compared. */
import { isDeepStrictEqual } from "node:util";
import { type createCapture, NOW_MS, type Row } from "../agent/capture-harness.ts";
import { encodeRequest } from "../agent/otlp-schema.ts";
import { Violation } from "./door.ts";

export type Capture = ReturnType<typeof createCapture>;
export type Rows = ReturnType<Capture["rows"]>;

export const DOCUMENTS = {
  flights: { match: { resource: { "service.name": "flights" } } },
  m: { features: { a: { type: "categorical" }, b: { type: "numeric" } } },
};

const features = [
  { key: "x", value: { doubleValue: 1.5 } },
  { key: "origin", value: { stringValue: "ATL" } },
];
export const soundRequest = {
  resourceLogs: [
    {
      scopeLogs: [
        {
          logRecords: [
            {
              timeUnixNano: String(BigInt(NOW_MS) * 1_000_000n),
              eventName: "ml.prediction",
              attributes: [
                { key: "ml.features", value: { kvlistValue: { values: features } } },
                { key: "ml.prediction.id", value: { stringValue: "good" } },
                { key: "ml.model.name", value: { stringValue: "m" } },
                { key: "ml.prediction.score", value: { doubleValue: 0.25 } },
              ],
            },
          ],
        },
      ],
    },
  ],
};
export const SOUND_BYTES = encodeRequest("logs", soundRequest);
export const SOUND_LINE = JSON.stringify({
  ...{ model: "m", id: "good", time: new Date(NOW_MS).toISOString(), score: 0.25 },
  features: { x: 1.5, origin: "ATL" },
});

const SOUND_ROW: Row = {
  ...{
    model: "m",
    version: "",
    ts: NOW_MS,
    id: "good",
    num: [["x", 1.5]],
    cat: [["origin", "ATL"]],
  },
  ...{ tags: [], label: "", score: 0.25, value: Number.NaN, probabilities: [] },
  ...{ latency: Number.NaN, error: "" },
};

/** @throws {Violation} where `take` does not leave exactly the sound row in the frame */
export function expectSoundRow(capture: Capture, take: () => void): void {
  capture.rows();
  capture.take(take);
  const { predictions, labels, deadLetters } = capture.rows();
  if (labels.length + deadLetters.length > 0 || !same(predictions, [SOUND_ROW])) {
    throw new Violation(`a sound record became ${shown({ predictions, labels, deadLetters })}`);
  }
}

/** Equal but for the sign of zero, which JSON does not say. */
export function same(a: unknown, b: unknown): boolean {
  if (typeof a === "number" && typeof b === "number") return a === b || (a !== a && b !== b);
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => same(item, b[i]));
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return isDeepStrictEqual(a, b);
  }
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return (
    left.length === right.size &&
    left.every(([key, value]) => right.has(key) && same(value, right.get(key)))
  );
}

export function shown(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "bigint" || (typeof inner === "number" && !Number.isFinite(inner))
      ? String(inner)
      : inner,
  ).slice(0, 1_500);
}

/** Dead letters without their sample, which is a courtesy of the door. */
export function withoutSamples(rows: Rows): Rows {
  return { ...rows, deadLetters: rows.deadLetters.map((row) => ({ ...row, sample: "" })) };
}

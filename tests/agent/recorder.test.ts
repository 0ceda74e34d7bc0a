/** What is decided about one record, through the event door. */
import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { FeatureRules, RULE } from "../../agent/columns/feature-rules.ts";
import { readEventLines, readLabelLines } from "../../agent/doors/json-lines.ts";
import { timeOf } from "../../agent/event-time.ts";
import { problemsOf } from "../../contract/document-problems.ts";
import { LIMITS } from "../../contract/limits.ts";
import { createCapture, NOW_MS } from "./capture-harness.ts";

type Line = Record<string, unknown>;

const DOCUMENT = {
  ...{ apiVersion: "driftmend/v1", kind: "Model", metadata: { name: "m" } },
  task: { type: "binary" },
};

function take(lines: readonly Line[], documents: Record<string, unknown> = {}) {
  const capture = createCapture(documents);
  const text = lines.map((line) => JSON.stringify({ model: "m", id: "1", ...line })).join("\n");
  capture.take(() => readEventLines(text, capture.recorder));
  return { ...capture.rows(), outcome: capture.recorder.outcome };
}

const at = (offsetMs: number): string => new Date(NOW_MS + offsetMs).toISOString();

describe("time", () => {
  it("may be an hour ahead of the model's clock and as old as raw rows are kept", () => {
    const hour = 3_600_000;
    const day = 24 * hour;
    const reasons = (offsetMs: number): unknown[] =>
      take([{ time: at(offsetMs) }]).deadLetters.map((row) => row["reason"]);
    expect(reasons(hour)).toEqual([]);
    expect(reasons(hour + 1)).toEqual(["time_ahead"]);
    expect(reasons(-400 * day)).toEqual([]);
    expect(reasons(-400 * day - 1)).toEqual(["time_too_old"]);
  });

  it("is the model's clock where none is given, and that follows announcements", () => {
    const capture = createCapture();
    const timeMs = Date.UTC(2001, 2, 5);
    capture.clocks.announce({ model: "m", timeMs });
    capture.take(() => readEventLines('{"model":"m","id":"1"}', capture.recorder));
    capture.take(() => readLabelLines('{"model":"m","id":"1","label":"x"}', capture.recorder));
    capture.take(() => readEventLines('{"model":"other","id":"1"}', capture.recorder));
    const rows = capture.rows();
    expect(rows.predictions.map((row) => row["ts"])).toEqual([timeMs, NOW_MS]);
    expect(rows.labels.map((row) => row["time"])).toEqual([timeMs]);
    capture.clocks.takeBack();
    expect(capture.clocks.clockMs("m")).toBe(NOW_MS);
  });

  it("is RFC 3339 or Unix nanoseconds, exactly, and nothing else", () => {
    expect(timeOf("2026-01-15T12:00:00.123456Z")).toBe(NOW_MS + 123);
    expect(timeOf("2026-01-15T13:00:00+01:00")).toBe(NOW_MS);
    expect(timeOf(`${NOW_MS}999999`)).toBe(NOW_MS);
    for (const wrong of [
      "2026-01-15",
      "yesterday",
      "",
      null,
      true,
      Number.NaN,
      "2026-13-45T00:00:00Z",
    ]) {
      expect(timeOf(wrong)).toBeNaN();
    }
  });
});

describe("features", () => {
  it("go by their own type without a document, and by the document with one", () => {
    const features = { x: 1, text: "12", yes: true, list: [1], nothing: null, code: 7 };
    expect(take([{ features }]).predictions).toMatchObject([
      {
        num: [
          ["x", 1],
          ["code", 7],
        ],
        cat: [
          ["text", "12"],
          ["yes", "true"],
        ],
      },
    ]);
    const declared = {
      code: { type: "categorical" },
      text: { type: "numeric" },
      yes: { type: "numeric" },
    };
    expect(take([{ features }], { m: { features: declared } }).predictions).toMatchObject([
      {
        num: [
          ["x", 1],
          ["text", 12],
          ["yes", 1],
        ],
        cat: [["code", "7"]],
      },
    ]);
  });

  it("are hidden as the document says, in dead letters too", () => {
    const document = { features: { email: { redact: "hash" }, zip: { redact: "truncate" } } };
    const features = { email: "a@b.example", zip: "80331 München" };
    const rows = take([{ features }, { features, time: at(9e6) }], { m: document });
    expect(rows.predictions[0]?.["cat"]).toEqual([
      ["email", expect.stringMatching(/^[0-9a-f]{16}$/)],
      ["zip", "8033"],
    ]);
    expect(rows.deadLetters).toMatchObject([{ reason: "time_ahead", sample: "" }]);
  });

  it("lose what a pattern finds, whatever stands in for it", () => {
    const redact = { replace: String.raw`\d{4,}|Ⓟ`, by: "$&" };
    const rows = take([{ features: { note: "card 4111111111111111, Ⓟ 12" } }], {
      m: { features: { note: { redact } } },
    });
    expect(rows.predictions[0]?.["cat"]).toEqual([["note", "card $&, $& 12"]]);
    const said = problemsOf({
      ...DOCUMENT,
      features: { note: { type: "text", redact: { replace: "(" } } },
    });
    expect(JSON.stringify(said)).toContain("regular expression");
  });

  it("are hashed under the agents' key, so that a guess cannot be confirmed without it", () => {
    const hash = (key?: string): string =>
      new FeatureRules(key).redacted(RULE.hash, "m", "email", "a@b");
    expect(hash("one key of several")).not.toBe(hash());
    expect(hash("one key of several")).not.toBe(hash("another key of several"));
    const digest = createHmac("sha256", "one key of several").update("m\0email\0a@b").digest("hex");
    expect(hash("one key of several")).toBe(digest.slice(0, 16));
  });

  it("beyond the maximum are skipped and counted, long texts are cut and counted", () => {
    const names = Array.from({ length: LIMITS.featuresPerModelMax + 5 }, (_, i) => `f${i}`);
    const features = Object.fromEntries(names.map((name) => [name, 1]));
    const many = take([{ features }]);
    expect(many.predictions[0]?.["num"]).toHaveLength(LIMITS.featuresPerModelMax);
    expect(many.outcome.valuesSkipped).toBe(5);
    const long = take([{ features: { text: "é".repeat(2_000) } }]);
    expect(long.predictions[0]?.["cat"]).toEqual([["text", "é".repeat(LIMITS.textBytesMax / 2)]]);
    expect(long.outcome.valuesCut).toBe(1);
  });
});

describe("identity", () => {
  it("is needed, and an id has at most 256 bytes", () => {
    const reason = (line: Line): unknown => take([line]).deadLetters[0]?.["reason"];
    expect(reason({ model: "" })).toBe("model_missing");
    expect(reason({ model: "m".repeat(257) })).toBe("model_too_long");
    expect(reason({ id: null })).toBe("id_missing");
    expect(reason({ id: "é".repeat(129) })).toBe("id_too_long");
    expect(reason({ id: { a: 1 } })).toBe("id_invalid");
    expect(reason({ id: "é".repeat(128) })).toBeUndefined();
    expect(take([{ id: 12 }]).predictions).toMatchObject([{ id: "12" }]);
  });
});

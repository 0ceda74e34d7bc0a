import { describe, expect, it } from "vitest";
import { compareTraffic } from "../../../analyzer/onboarding/compare-traffic.ts";
import { compareDocuments } from "../../../analyzer/onboarding/compare-documents.ts";
import { proposeDocument } from "../../../analyzer/onboarding/propose-document.ts";
import { type TrafficProfile, meanDay } from "../../../analyzer/onboarding/traffic-profile.ts";
import { problemsOf } from "../../../contract/document-problems.ts";
import { OnboardingDocument } from "../../../contract/onboarding-document.ts";

const number = (feature: string, min: number, max: number, distinct = 500) => ({
  ...{ feature, rows: 1_000, nonFinite: 0, distinct, min, max },
  whole: Number.isInteger(min) ? 1_000 : 0,
  quantiles: [min, min, (min + max) / 2, max, max],
});
const words = (name: string, distinct: number, length = 5) => ({
  ...{ name, rows: 1_000, distinct, length },
  top: [["a", 600] as [string, number], ["b", 400] as [string, number]].slice(0, distinct),
});
const profile = (over: Partial<TrafficProfile> = {}): TrafficProfile => ({
  ...{
    rows: 1_000,
    errors: 0,
    requests: 1_000,
    failed: 0,
    fromMs: 0,
    toMs: 0,
    repeatedIds: 0,
    scores: 0,
  },
  ...{ classes: [], predicted: [], versions: ["1"], outcomes: [], numbers: [], categories: [] },
  ...{ tags: [], rowsPerDay: 5_000, days: 3 },
  values: { rows: 0, min: Number.NaN, max: Number.NaN },
  latency: { rows: 0, p95: Number.NaN },
  ...over,
});
const outcome = (label: string, rows: number, score: number, values = 0) => ({
  ...{ label, rows, score, values },
  delays: [60_000, 7_200_000],
});

describe("a proposed document", () => {
  it("promises by what rows stand for where somebody samples, and says that they do", () => {
    const { document, notes } = proposeDocument(
      "m",
      profile({ rows: 1_000, errors: 100, requests: 9_100, failed: 100 }),
    );
    expect(document.service?.error_rate).toBe("2.2%");
    const [head] = notes;
    expect(head?.text).toContain("1000 predictions (sampled: they stand for about 9100 requests");
    expect(proposeDocument("m", profile()).notes[0]?.text).not.toContain("sampled");
  });

  it.each<[string, Partial<TrafficProfile>, object]>([
    [
      "a classifier whose labels are told apart by its scores",
      { scores: 1_000, outcomes: [outcome("ok", 900, 0.1), outcome("fraud", 100, 0.7)] },
      { type: "binary", positive: "fraud" },
    ],
    [
      "a classifier whose scores say nothing: by the word of the label",
      { scores: 1_000, outcomes: [outcome("0", 500, 0.31), outcome("1", 500, 0.3)] },
      { type: "binary", positive: "1" },
    ],
    ["a classifier without labels", { scores: 1_000 }, { type: "binary" }],
    ["more than two classes", { classes: ["a", "b", "c"] }, { type: "multiclass" }],
    [
      "values",
      { values: { rows: 1_000, min: 0, max: 9 }, outcomes: [outcome("", 50, Number.NaN, 50)] },
      { type: "regression" },
    ],
  ])("has the task of %s", (_name, over, task) => {
    const { document, notes } = proposeDocument("m", profile(over));
    expect(document.task).toEqual(task);
    expect(notes.find(({ path }) => path[0] === "task")?.text).toMatch(/\w/);
    expect(problemsOf(document)).toEqual([]);
  });

  it("has columns as they look, and says what it is not sure of", () => {
    const { document, notes } = proposeDocument(
      "m",
      profile({
        numbers: [
          number("amount", 0.4, 812.3),
          number("hour", 0, 23, 24),
          number("mcc", 1, 9, 9),
          number("fixed", 3, 3, 1),
        ],
        categories: [words("country", 2), words("email", 990, 22), words("note", 300, 80)],
        tags: [words("region", 4), words("client.version", 3), words("user", 900)],
      }),
    );
    expect(document.features).toEqual({
      amount: { type: "numeric", range: [0, 900] },
      country: { type: "categorical" },
      email: { type: "text", redact: "hash" },
      fixed: { type: "numeric" },
      hour: { type: "numeric", range: [0, 23], period: 24 },
      mcc: { type: "numeric", range: [0, 10] },
      note: { type: "text" },
    });
    const noteOn = (name: string): string => notes.find(({ path }) => path[1] === name)?.text ?? "";
    expect(noteOn("mcc")).toContain("type: categorical");
    expect(noteOn("fixed")).toContain("constant so far: 3");
    expect(document.segments).toEqual(["client.version", "region"]);
    expect(notes.find(({ path }) => path[0] === "segments")?.text).toContain("user (900 values)");
    expect(document.rollup).toBe("1h");
    expect(problemsOf(document)).toEqual([]);
  });
});

describe("a document beside the traffic", () => {
  const documentWith = (over: object): OnboardingDocument =>
    OnboardingDocument.parse({
      apiVersion: "driftmend/v1",
      kind: "Model",
      metadata: { name: "m" },
      task: { type: "binary", positive: "fraud" },
      ...over,
    });
  const seen = profile({
    scores: 1_000,
    numbers: [number("weight", 1_000, 90_000), number("zip", 1, 9)],
    categories: [words("one", 1)],
    outcomes: [outcome("ok", 900, 0.1)],
  });

  it("has what never came, what nobody named, other types, constants and units", () => {
    const features = {
      weight: { type: "numeric", unit: "kg", range: [0, 100] },
      zip: { type: "categorical" },
      gone: { type: "numeric" },
    };
    const found = compareTraffic(documentWith({ features, segments: ["country"] }), seen);
    expect(found.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
      "unit weight",
      "type zip",
      "unseen gone",
      "undeclared one",
      "constant one",
      "segment country",
      "task task.positive",
    ]);
    expect(found[0]?.text).toContain("weight is 1000 times what was declared");
  });

  it.each([
    [[0, 100_000], null],
    [[0, 50_000], "range"],
    [[5, 6], "range"],
    [[0, 90], "unit"],
  ])("a range of %j is %s", (range, kind) => {
    const features = { weight: { type: "numeric", range } };
    const found = compareTraffic(documentWith({ features }), seen);
    expect(found.find(({ subject }) => subject === "weight")?.kind ?? null).toBe(kind);
  });

  it("differs from another leaf by leaf, defaults filled in", () => {
    const holds = documentWith({ segments: ["a"], labels: { lateness: "1h" } });
    expect(compareDocuments(holds, documentWith({ segments: ["a", "b"] }))).toEqual([
      { path: "segments", from: ["a"], to: ["a", "b"] },
    ]);
    expect(compareDocuments(holds, holds)).toEqual([]);
  });

  it("writes spans of time as documents do", () => {
    const labels = { expected_within: "90m", negative_after: "30d" };
    expect(compareDocuments(documentWith({}), documentWith({ labels }))).toEqual([
      { path: "labels.expected_within", from: "7d", to: "90m" },
      { path: "labels.negative_after", from: null, to: "30d" },
    ]);
  });
});

describe("predictions a day", () => {
  it("are the mean of whole days, however few the first and the last have", () => {
    expect(meanDay([10, 5_000, 7_000, 20], 12_030, 3 * 86_400_000)).toBe(6_000);
  });

  it("are the pace so far before there is a whole day, which a burst of seconds does not set", () => {
    expect(meanDay([350, 3_250], 3_600, 3_600_000)).toBe(86_400);
    expect(meanDay([1_000], 1_000, 2_000)).toBe(144_000);
    const { notes } = proposeDocument(
      "m",
      profile({ rowsPerDay: 86_400, days: 1, fromMs: 0, toMs: 3_600_000 }),
    );
    expect(notes.find(({ path }) => path[0] === "rollup")?.text).toBe(
      "86400 predictions a day, by the 60 minutes seen so far, fill hours, not minutes",
    );
  });
});

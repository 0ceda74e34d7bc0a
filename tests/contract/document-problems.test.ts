import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  nearest,
  parseDocument,
  problemLine,
  problemsOf,
} from "../../contract/document-problems.ts";

const whole = {
  apiVersion: "driftmend/v1",
  kind: "Model",
  metadata: { name: "card-fraud" },
  task: { type: "binary" },
};
const linesOf = (over: object): string[] => problemsOf({ ...whole, ...over }).map(problemLine);

describe("what is wrong with a document", () => {
  it.each<[object, string[]]>([
    [{}, []],
    [{ lables: {} }, ['lables: unknown key, did you mean "labels"?']],
    [{ labels: { latenes: "1h" } }, ['labels.latenes: unknown key, did you mean "lateness"?']],
    [{ positive: "fraud" }, ['positive: unknown key, it belongs under "task"']],
    [
      { features: { amount: { type: "numeric", unti: "EUR" } } },
      ['features.amount.unti: unknown key, did you mean "unit"?'],
    ],
    [
      { labels: { lateness: "10 minutes" } },
      ['labels.lateness: expected e.g. 30s, 1h, 14d: "10 minutes"'],
    ],
    [
      { labels: { censored: "decision = blocked" } },
      [`labels.censored: expected a 'text' or a number at 12, there is "blocked"`],
    ],
    [
      {
        task: { type: "regression" },
        labels: { negative_after: "45d" },
        quality: { primary: "mae" },
      },
      ["labels.negative_after: absence says something of a binary model only, this is regression"],
    ],
    [
      { task: { type: "binary", positive: "fraud", negative: "fraud" } },
      ["task.negative: must differ from the positive label"],
    ],
    [
      { labels: { pull: { sql: "SELECT 1", file: "/data/*.parquet", every: "1h" } } },
      ["labels.pull: expected either sql or file"],
    ],
    [
      { labels: { pull: { sql: " ", every: "5s" } } },
      ["labels.pull.every: must be at least 1m", "labels.pull.sql: must not be empty"],
    ],
    [
      { features: { amount: { type: "numeric", range: [5, 1] } } },
      ["features.amount.range: the lower end must be below the upper one: [5, 1]"],
    ],
    [
      { features: { mcc: { type: "categorical", unit: "EUR", range: [0, 1] } } },
      [
        "features.mcc.range: a categorical feature has no range",
        "features.mcc.unit: a categorical feature has no unit",
      ],
    ],
    [
      { quality: { primary: "mae" } },
      ['quality.primary: a binary model has log_loss, skill, brier, auc, accuracy: "mae"'],
    ],
    [
      { task: { type: "regression", positive: "1" } },
      ["task.positive: only a binary model has one positive label, this is regression"],
    ],
    [
      { retrain: { when: [{ threshold: "skill falls" }] } },
      [
        'retrain.when.0.threshold: expected METRIC (<|>) NUMBER [* baseline] [for N windows]: "skill falls"',
      ],
    ],
    [
      { retrain: { when: [{ probe: { every: "1w", gian: 0.1 } }] } },
      [
        "retrain.when.0.probe.gain: Invalid input: expected number, received undefined",
        'retrain.when.0.probe.gian: unknown key, did you mean "gain"?',
      ],
    ],
  ])("%j", (over, lines) => {
    expect(linesOf(over)).toEqual(lines);
  });

  it("is said at once, with what to do", () => {
    expect(() => parseDocument({ ...whole, lables: {}, rollup: "2h" }, "card-fraud.yaml")).toThrow(
      /Cannot use card-fraud\.yaml as an onboarding document:\n {2}rollup: .*"2h"\n {2}lables: unknown key/s,
    );
    expect(parseDocument(whole, "x").labels.lateness).toBe(3_600_000);
  });

  it("never fails to be said, whatever was given", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (given) => {
        expect(problemsOf(given).length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("the nearest key", () => {
  it("is the one that needs the fewest changes, and none that needs too many", () => {
    const known = ["type", "unit", "range", "period", "redact"];
    expect(nearest("tpye", known)).toBe("type");
    expect(nearest("ranges", known)).toBe("range");
    expect(nearest("colour", known)).toBeNull();
  });

  it("of a known key with one letter left out is that key", () => {
    const known = ["threshold", "recalibrate", "expected_within", "negative_after", "metadata"];
    fc.assert(
      fc.property(fc.constantFrom(...known), fc.nat(), (key, n) => {
        const at = n % key.length;
        expect(nearest(key.slice(0, at) + key.slice(at + 1), known)).toBe(key);
      }),
    );
  });
});

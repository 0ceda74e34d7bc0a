import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { floatTensor, modelProto, node, valueInfo } from "../../../examples/flights/onnx/schema.ts";
import { appendPlatt } from "../../../retrainer/judge/append-platt.ts";
import { fitPlatt, plattLossChange, scaled } from "../../../retrainer/judge/platt.ts";
import { createScoringPool } from "../../../retrainer/judge/scoring-pool.ts";
import { seededRandom } from "../../../runtime/random.ts";

const folder = mkdtempSync(join(tmpdir(), "driftmend-platt-"));
const pool = createScoringPool();
afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

/** score = sigmoid(2x − 1). */
const model = modelProto({
  name: "line",
  nodes: [
    node({ op: "Mul", inputs: ["x", "slope"], output: "steep" }),
    node({ op: "Sub", inputs: ["steep", "one"], output: "logit" }),
    node({ op: "Sigmoid", inputs: ["logit"], output: "score" }),
  ],
  initializers: [floatTensor("slope", [2]), floatTensor("one", [1])],
  inputs: [valueInfo("x", "float", ["N", 1])],
  outputs: [valueInfo("score", "float", ["N", 1])],
  metadata: { model: "line" },
});
const values = Float64Array.from({ length: 50 }, (_, i) => (i - 25) / 5);
const rows = {
  rows: values.length,
  timeMs: values,
  target: values,
  features: new Map([["x", { kind: "numeric" as const, values }]]),
};

test("appended nodes give the scaled score of the unchanged graph, under the same name", async () => {
  const [plain, changed] = [join(folder, "plain.onnx"), join(folder, "scaled.onnx")];
  const scale = { a: 0.6, b: -0.4 };
  writeFileSync(plain, model);
  writeFileSync(changed, appendPlatt(model, "score", scale));
  const before = await pool.inspect(plain, null);
  const after = await pool.inspect(changed, "score");
  expect(after).toEqual(before);
  const scores = await pool.score(plain, before, rows);
  const scaledScores = await pool.score(changed, after, rows);
  scores.scores.forEach((score, i) => {
    expect(scaledScores.scores[i]).toBeCloseTo(scaled(scale, score), 5);
  });
});

test("a graph without that output is refused", () => {
  expect(() => appendPlatt(model, "probability", { a: 1, b: 0 })).toThrow(
    /no output "probability"/,
  );
  expect(() => appendPlatt(model.subarray(0, 40), "score", { a: 1, b: 0 })).toThrow(
    /middle of a field/,
  );
});

test("the fitted scale is the one that made the labels", () => {
  const random = seededRandom(7);
  const scores = Float64Array.from({ length: 40_000 }, () => 0.02 + random.next() * 0.96);
  const truth = { a: 0.7, b: 0.5 };
  const labels = scores.map((score) => (random.next() < scaled(truth, score) ? 1 : 0));
  const fitted = fitPlatt(scores, labels);
  expect(fitted?.a).toBeCloseTo(0.7, 1);
  expect(fitted?.b).toBeCloseTo(0.5, 1);
  expect(plattLossChange(fitted ?? truth, scores, labels)).toBeLessThan(0);
  expect(fitPlatt([0.2, 0.3], [1, 1])).toBeNull();
});

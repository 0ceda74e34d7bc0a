import { createHash } from "node:crypto";
import { watch } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DataSet, readJson, runTrainer, writeDataSet } from "./data-set.ts";
import { fittedTo } from "../fitted.ts";
import { syntheticFlights } from "../synthetic-flights.ts";
import { flightsOnnx } from "../../../../examples/flights/onnx/flights-graph.ts";

const entry = new URL("../../../../examples/flights/trainer/main.ts", import.meta.url);
const TRAINER = [process.execPath, fileURLToPath(entry)];
const flights = syntheticFlights(20_000, [35, 63]);
let set: DataSet;

beforeAll(async () => {
  set = await writeDataSet(flights);
});
afterAll(() => rm(set.folder, { recursive: true, force: true }));

const elsewhere = (name: string): DataSet => ({ ...set, out: join(set.folder, name) });

describe("the Node trainer", () => {
  it("writes model, metrics, progress and a manifest with their digests", async () => {
    expect(await runTrainer(TRAINER, set)).toEqual({ exitCode: 0, stderr: "" });
    expect((await readdir(set.out)).sort()).toEqual([
      "manifest.json",
      "metrics.json",
      "model.onnx",
      "progress.jsonl",
    ]);
    const onnx = await readFile(join(set.out, "model.onnx"));
    const metrics = await readFile(join(set.out, "metrics.json"));
    const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
    expect(await readJson(join(set.out, "manifest.json"))).toMatchObject({
      kind: "onnx",
      entry: "model.onnx",
      model: "flights",
      runId: "run-7",
      signature: { outputs: [{ name: "score", datatype: "FP32", shape: [-1] }] },
      files: { "model.onnx": sha256(onnx), "metrics.json": sha256(metrics) },
    });
    expect(JSON.parse(metrics.toString())).toMatchObject({
      trainer: "node",
      device: expect.stringContaining("cpu"),
      rows: 16_000,
      train: { weight: 16_000, auc: expect.any(Number) },
      valid: { rows: 4000, auc: expect.any(Number) },
      seconds: expect.any(Number),
      memoryBytesMax: expect.any(Number),
    });
    const lines = (await readFile(join(set.out, "progress.jsonl"), "utf8")).trim().split("\n");
    const objectives = lines.map((line) => JSON.parse(line).objective);
    expect(objectives.length).toBeGreaterThan(2);
    expect([...objectives].sort((a, b) => b - a)).toEqual(objectives);
    const session = await InferenceSession.create(onnx);
    expect(session.outputNames).toEqual(["score"]);
    await session.release();
  });

  it("trains the very model that a fit in memory gives, and the same bytes again", async () => {
    const again = elsewhere("again");
    await runTrainer(TRAINER, again);
    const [first, second] = await Promise.all(
      [set.out, again.out].map((out) => readFile(join(out, "model.onnx"))),
    );
    expect(first?.equals(second ?? Buffer.alloc(0))).toBe(true);
    const train = { ...flights, rows: 16_000 };
    const inMemory = flightsOnnx(fittedTo(train), {});
    // Only what says who made it follows the graph and its weights.
    expect(first?.subarray(0, inMemory.length).equals(inMemory)).toBe(true);
    expect(first?.length).toBeGreaterThan(inMemory.length);
  });

  it("weighs rows: a row of weight 2 is that row twice", async () => {
    // The same file twice under train/ doubles all weights, which only halves the ridge.
    const doubled = { ...elsewhere("doubled-out"), dataset: join(set.folder, "doubled") };
    await cp(set.dataset, doubled.dataset, { recursive: true });
    const part = join(doubled.dataset, "train", "part-0.parquet");
    await cp(part, join(doubled.dataset, "train", "part-1.parquet"));
    await runTrainer(TRAINER, doubled, { DRIFTMEND_PARAMS: '{"l2": 20}' });
    const [one, two] = (await Promise.all(
      [set, doubled].map(({ out }) => readJson(join(out, "metrics.json"))),
    )) as { objective: number; rows: number }[];
    expect(two?.rows).toBe(32_000);
    expect((two?.objective ?? 0) / (one?.objective ?? 1)).toBeCloseTo(2, 8);
  });

  it.each([
    [64, "unknown parameters", { DRIFTMEND_PARAMS: '{"layers": 3}' }, /layers/],
    [64, "parameters that are not JSON", { DRIFTMEND_PARAMS: "l2=1" }, /JSON/],
    [64, "a negative ridge", { DRIFTMEND_PARAMS: '{"l2": -1}' }, /l2/],
    [64, "a folder it cannot reach", { DRIFTMEND_OUT: "s3://models/flights" }, /s3/],
    [65, "labels without the positive one", { DRIFTMEND_PARAMS: '{"positive": "x"}' }, /labels/],
    [66, "no data set", { DRIFTMEND_DATASET: "nowhere" }, /dataset\.json/],
    [66, "no data set named", { DRIFTMEND_DATASET: "" }, /DRIFTMEND_DATASET/],
  ])("leaves with %d on %s", async (exitCode, _what, env, message) => {
    const failed = elsewhere(`failed-${exitCode}`);
    const run = await runTrainer(TRAINER, failed, env);
    expect(run.exitCode).toBe(exitCode);
    expect(run.stderr).toMatch(message);
    await expect(readdir(failed.out)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("leaves with 65 on a file that is not Parquet, and with 66 without any", async () => {
    const broken = { ...elsewhere("broken-out"), dataset: join(set.folder, "broken") };
    await mkdir(join(broken.dataset, "train"), { recursive: true });
    await writeFile(join(broken.dataset, "dataset.json"), "{}");
    expect((await runTrainer(TRAINER, broken)).exitCode).toBe(66);
    await writeFile(join(broken.dataset, "train", "part-0.parquet"), "PAR1 and no more");
    expect((await runTrainer(TRAINER, broken)).exitCode).toBe(65);
  });

  it("leaves without a model when it is told to, while it fits", async () => {
    const stopped = elsewhere("stopped");
    await mkdir(stopped.out, { recursive: true });
    const params = { DRIFTMEND_PARAMS: '{"tolerance": 1e-300, "iterationsMax": 1000}' };
    const watcher = watch(stopped.out);
    const run = await runTrainer(TRAINER, stopped, params, (child) => {
      // The first line of progress: the fit has begun.
      watcher.once("change", () => child.kill("SIGTERM"));
    });
    watcher.close();
    expect(run).toEqual({ exitCode: 143, stderr: expect.stringContaining("SIGTERM") });
    expect(await readdir(stopped.out)).toEqual(["progress.jsonl"]);
  });
});

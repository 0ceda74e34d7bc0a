import { execFileSync } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { predictLate, type ModelTables } from "../../../examples/flights/model/tables.ts";
import { processEnvironment } from "../../../runtime/env.ts";
import { fittedTo } from "./fitted.ts";
import { syntheticFlights } from "./synthetic-flights.ts";
import { type DataSet, readJson, runTrainer, writeDataSet } from "./trainer/data-set.ts";

const PYTHON = processEnvironment()["PYTHON"] ?? "python3";
const script = fileURLToPath(new URL("../../../examples/flights/train_torch.py", import.meta.url));

function canImport(modules: string): boolean {
  try {
    execFileSync(PYTHON, ["-c", `import ${modules}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
const hasPython = canImport("json");
const hasTorch = canImport("torch, numpy, pyarrow");
const withoutTorch = `"${PYTHON}" has no torch, numpy and pyarrow (set PYTHON to one that has)`;

let set: DataSet;
let tables: ModelTables;
const flights = syntheticFlights(20_000, [35, 63]);

beforeAll(async () => {
  set = await writeDataSet(flights);
  tables = fittedTo({ ...flights, rows: 16_000 });
});
afterAll(() => rm(set.folder, { recursive: true, force: true }));

describe.skipIf(!hasTorch)(`train_torch.py${hasTorch ? "" : `, skipped: ${withoutTorch}`}`, () => {
  it("names device, seconds and memory under the Node trainer's names", async () => {
    expect(await runTrainer([PYTHON, script], set)).toEqual({ exitCode: 0, stderr: "" });
    expect(await readJson(join(set.out, "metrics.json"))).toMatchObject({
      trainer: "torch",
      device: expect.stringMatching(/^(cpu|cuda): /),
      rows: 16_000,
      train: { weight: 16_000, auc: expect.any(Number) },
      valid: { rows: 4000 },
      seconds: expect.any(Number),
      memoryBytesMax: expect.any(Number),
    });
    expect(await readJson(join(set.out, "manifest.json"))).toMatchObject({
      kind: "onnx",
      entry: "model.onnx",
      signature: { outputs: [{ name: "score", datatype: "FP32", shape: [-1] }] },
    });
  });

  it("writes a graph that agrees with the Node trainer's fit", async () => {
    const session = await InferenceSession.create(await readFile(join(set.out, "model.onnx")));
    const rows = Array.from({ length: 2000 }, (_, i) => 16_000 + i);
    const shape = [rows.length, 1];
    const numbers = (column: ArrayLike<number>): Tensor =>
      new Tensor(
        "float32",
        Float32Array.from(rows, (row) => column[row] ?? 0),
        shape,
      );
    const names = (column: ArrayLike<number>): Tensor =>
      new Tensor(
        "string",
        rows.map((row) => flights.airports[column[row] ?? 0] ?? ""),
        shape,
      );
    const feeds = {
      hour: numbers(flights.hour),
      day_of_week: numbers(flights.dayOfWeek),
      distance: numbers(flights.distance),
      origin: names(flights.origin),
      destination: names(flights.destination),
    };
    const { score } = await session.run(feeds, ["score"]);
    rows.forEach((row, i) => {
      const expected = predictLate(tables, {
        hour: flights.hour[row] ?? 0,
        dayOfWeek: flights.dayOfWeek[row] ?? 0,
        distance: flights.distance[row] ?? 0,
        origin: flights.airports[flights.origin[row] ?? 0] ?? "",
        destination: flights.airports[flights.destination[row] ?? 0] ?? "",
      });
      expect(Math.abs(Number(score?.data[i]) - expected)).toBeLessThan(1e-6);
    });
    await session.release();
  });

  it("refuses labels that are not binary with 65", async () => {
    const out = join(set.folder, "failed");
    const params = { DRIFTMEND_PARAMS: '{"positive": "x"}' };
    const run = await runTrainer([PYTHON, script], { ...set, out }, params);
    expect(run).toEqual({ exitCode: 65, stderr: expect.stringMatching(/labels/) });
  });
});

describe.skipIf(!hasPython)("train_torch.py before it needs torch", () => {
  it("refuses unknown parameters with 64 and a missing folder with 66", async () => {
    const unknown = await runTrainer([PYTHON, script], set, { DRIFTMEND_PARAMS: '{"layers": 3}' });
    expect(unknown).toEqual({ exitCode: 64, stderr: expect.stringMatching(/layers/) });
    const missing = await runTrainer([PYTHON, script], set, { DRIFTMEND_DATASET: "" });
    expect(missing.exitCode).toBe(66);
  });

  it.skipIf(hasTorch)(
    "leaves with 66 and names the packages where torch is not there",
    async () => {
      const run = await runTrainer([PYTHON, script], set);
      expect(run).toEqual({ exitCode: 66, stderr: expect.stringMatching(/pip install torch/) });
    },
  );
});

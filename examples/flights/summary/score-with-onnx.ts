/** Scores stored rows with a version's own ONNX file, as the server would have: the other arm of each comparison. */
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Recorded } from "./recorded.ts";

const CHUNK_ROWS = 16_384;

/** Writes the scores of `rows` into `into`; other entries stay. */
export async function scoreWithOnnx(
  modelPath: string,
  recorded: Recorded,
  rows: readonly number[],
  into: Float64Array,
): Promise<void> {
  const session = await InferenceSession.create(modelPath, {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const output = session.outputNames[0] ?? "";
  for (let from = 0; from < rows.length; from += CHUNK_ROWS) {
    const chunk = rows.slice(from, from + CHUNK_ROWS);
    const answers = await session.run(feedsOf(recorded, chunk), [output]);
    const scores = answers[output]?.data;
    if (!(scores instanceof Float32Array)) throw new Error(`"${modelPath}" gives no FP32 scores`);
    chunk.forEach((row, i) => {
      into[row] = scores[i] ?? Number.NaN;
    });
  }
  await session.release();
}

function feedsOf(recorded: Recorded, rows: readonly number[]): Record<string, Tensor> {
  const { world, origin, destination, airports } = recorded;
  const shape = [rows.length, 1];
  const numbers = (column: ArrayLike<number>): Tensor =>
    new Tensor(
      "float32",
      Float32Array.from(rows, (row) => column[row] ?? Number.NaN),
      shape,
    );
  const names = (column: Uint16Array): Tensor =>
    new Tensor(
      "string",
      rows.map((row) => airports[column[row] ?? 0] ?? ""),
      shape,
    );
  return {
    hour: numbers(world.hour),
    day_of_week: numbers(world.dayOfWeek),
    distance: numbers(world.distance),
    origin: names(origin),
    destination: names(destination),
  };
}

/**
 * Rows of a sound block that can never be stored, or that would hold up whoever works with them: an agent sends none
 * of them, but a stream has other writers too. Pure.
 */
import { LIMITS } from "../contract/limits.ts";
import { type Block, columnOf } from "../contract/native-block.ts";

/** Event times that may be stored, both ends included. */
export interface TimeBounds {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Refusal {
  readonly reason:
    | "time_out_of_bounds"
    | "prediction_time_out_of_bounds"
    | "model_invalid"
    | "id_invalid";
  readonly detail: string;
}

/** By row, ascending. @throws {DriftmendError} block_invalid: a column is missing */
export function refusedRows(
  block: Block,
  times: Float64Array,
  bounds: TimeBounds,
): ReadonlyMap<number, Refusal> {
  const model = columnOf(block, "model", "dictionary");
  // Samples of servers have no ids.
  const named = block.columns.find(({ name }) => name === "id")?.column;
  const id = named?.kind === "string" ? named : null;
  const predicted = block.columns.find(({ name }) => name === "prediction_time")?.column;
  const predictedMs = predicted?.kind === "nullable-time" ? predicted.values : null;
  const isModel = model.keys.map(isModelName);
  const refused = new Map<number, Refusal>();
  for (let row = 0; row < block.rows; row++) {
    const ms = times[row]!;
    const idBytes = id === null ? 1 : id.ends[row]! - id.starts[row]!;
    const said = predictedMs === null ? Number.NaN : predictedMs[row]!;
    if (!(ms >= bounds.fromMs && ms <= bounds.toMs)) refused.set(row, outOfBounds(ms));
    else if (isModel[model.indexes[row]!] !== true) refused.set(row, MODEL_INVALID);
    else if (idBytes === 0 || idBytes > LIMITS.predictionIdBytesMax) refused.set(row, ID_INVALID);
    else if (said < 0 || said > LIMITS.storedTimeMsMax) refused.set(row, predictedOutside(said));
  }
  return refused;
}

const MODEL_INVALID: Refusal = {
  reason: "model_invalid",
  detail: `a model's name has 1 to ${LIMITS.modelNameBytesMax} characters`,
};
const ID_INVALID: Refusal = {
  reason: "id_invalid",
  detail: `an id has 1 to ${LIMITS.predictionIdBytesMax} bytes`,
};

/** `__proto__` stands for something else in every map by name that is made of JSON. */
const isModelName = (name: string): boolean =>
  name !== "" && name.length <= LIMITS.modelNameBytesMax && name !== "__proto__";

const outOfBounds = (ms: number): Refusal => ({
  reason: "time_out_of_bounds",
  detail: `its time is ${timeText(ms)}, older than what is kept or more than a day ahead`,
});

const predictedOutside = (ms: number): Refusal => ({
  reason: "prediction_time_out_of_bounds",
  detail: `it says that it was predicted at ${timeText(ms)}`,
});

export function timeText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`;
}

/**
 * A real little trainer: the late share per city and half of the day from the newest week of the data set,
 * written as an ONNX table. The parameter `break` names what goes wrong.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { queryBindAsync } from "chdb";
import {
  attribute,
  floatTensor,
  int64Tensor,
  modelProto,
  node,
  valueInfo,
} from "../../../../examples/flights/onnx/schema.ts";
import { processEnvironment } from "../../../../runtime/env.ts";

const NAMES = ["ams", "ber", "cph", "dub"];
const out = processEnvironment()["DRIFTMEND_OUT"] ?? "";
const dataset = processEnvironment()["DRIFTMEND_DATASET"] ?? "";
const params = JSON.parse(processEnvironment()["DRIFTMEND_PARAMS"] ?? "{}") as {
  break?: string;
  /** A file that gets a line for each training. */
  marker?: string;
};
mkdirSync(out, { recursive: true });
if (params.marker !== undefined)
  appendFileSync(params.marker, `${processEnvironment()["DRIFTMEND_RUN_ID"]}\n`);
if (params.break === "crash") {
  process.stderr.write("cannot allocate a GPU\n");
  process.exit(3);
}
if (params.break === "final") {
  process.stderr.write('the column "city" is missing\n');
  process.exit(65);
}
if (params.break === "hang") {
  setInterval(() => undefined, 1000);
  await new Promise(() => undefined);
}
if (params.break === "silent") process.exit(0);
if (params.break === "corrupt") {
  writeFileSync(join(out, "model.onnx"), "this is no model");
} else {
  const town = params.break === "inputs" ? "town" : "city";
  writeFileSync(join(out, "model.onnx"), cityModel(await sharesOfNewestWeek(), town));
}
writeFileSync(join(out, "metrics.json"), JSON.stringify({ device: "cpu: a table" }));
const manifest = { kind: "onnx", entry: "model.onnx" };
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest));

async function sharesOfNewestWeek(): Promise<Float32Array> {
  const text = readFileSync(join(dataset, "dataset.json"), "utf8");
  const { task } = JSON.parse(text) as { task: { positive: string } };
  const answer = await queryBindAsync(
    `SELECT city, hour >= 12 AS pm, avg(label = {positive:String}) AS share
     FROM file({path:String}, Parquet)
     WHERE time >= (SELECT max(time) FROM file({path:String}, Parquet)) - INTERVAL 7 DAY
     GROUP BY city, pm`,
    { path: join(dataset, "train", "*.parquet"), positive: task.positive },
    { format: "JSONEachRow" },
  );
  const table = new Float32Array((NAMES.length + 1) * 2).fill(0.3);
  for (const line of answer.text().split("\n")) {
    if (line === "") continue;
    const cell = JSON.parse(line) as { city: string; pm: number; share: number };
    table[NAMES.indexOf(cell.city) * 2 + cell.pm] = cell.share;
  }
  return table;
}

function cityModel(shares: Float32Array, cityInput: string): Uint8Array {
  const rows = NAMES.map((_, i) => i * 2);
  return modelProto({
    name: "cities",
    nodes: [
      node({
        op: "LabelEncoder",
        domain: "ai.onnx.ml",
        inputs: [cityInput],
        output: "row",
        attributes: [
          attribute.strings("keys_strings", NAMES),
          attribute.ints("values_int64s", rows),
          attribute.int("default_int64", NAMES.length * 2),
        ],
      }),
      node({ op: "GreaterOrEqual", inputs: ["hour", "noon"], output: "is_pm" }),
      node({ op: "Cast", inputs: ["is_pm"], output: "pm", attributes: [attribute.int("to", 7)] }),
      node({ op: "Add", inputs: ["row", "pm"], output: "place" }),
      node({ op: "Gather", inputs: ["table", "place"], output: "column" }),
      node({ op: "Squeeze", inputs: ["column", "axis"], output: "score" }),
    ],
    initializers: [
      floatTensor("table", shares),
      floatTensor("noon", [12]),
      int64Tensor("axis", [1]),
    ],
    inputs: [valueInfo("hour", "float", ["N", 1]), valueInfo(cityInput, "string", ["N", 1])],
    outputs: [valueInfo("score", "float", ["N"])],
    metadata: {},
  });
}

/**
 * The served model as an ONNX file: raw values in, probability out. Encodings live inside the graph, so
 * that trainer and server cannot encode differently. Inputs are columns of shape [N, 1]; `score` has
 * shape [N]. Unknown airports, hours and days fall to the last entry of their table.
 */
import { BLOCKS, blockOf, DAYS, DISTANCE_EDGES, FEATURES, HOURS } from "../model/features.ts";
import { BLOCK_COLUMNS, type ModelTables } from "../model/tables.ts";
import {
  attribute,
  floatTensor,
  int64Tensor,
  modelProto,
  type Node,
  node,
  valueInfo,
} from "./schema.ts";

export const OUTPUT_NAME = "score";

export function flightsOnnx(
  tables: ModelTables,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const blocks = Array.from({ length: HOURS + 1 }, (_, h) => (h < HOURS ? blockOf(h) : BLOCKS));
  return modelProto({
    name: "flights",
    nodes: graphNodes(tables).map(node),
    initializers: [
      floatTensor("hour_table", tables.hour),
      floatTensor("day_table", tables.day),
      floatTensor("distance_table", tables.distance),
      floatTensor("origin_table", tables.origin),
      floatTensor("destination_table", tables.destination),
      floatTensor("distance_edges", DISTANCE_EDGES),
      int64Tensor("block_table", blocks),
      int64Tensor("column_axis", [1]),
    ],
    inputs: FEATURES.map(({ name, type }) =>
      valueInfo(name, type === "numeric" ? "float" : "string", ["N", 1]),
    ),
    outputs: [valueInfo(OUTPUT_NAME, "float", ["N"])],
    metadata,
  });
}

function graphNodes(tables: ModelTables): readonly Node[] {
  const hours = Array.from({ length: HOURS }, (_, h) => h);
  const days = Array.from({ length: DAYS }, (_, d) => d);
  return [
    encodeNumbers("hour", "hour_code", hours, HOURS),
    encodeNumbers(
      "day_of_week",
      "day_code",
      days.map((d) => d + 1),
      DAYS,
    ),
    { op: "Gather", inputs: ["hour_table", "hour_code"], output: "hour_part" },
    { op: "Gather", inputs: ["day_table", "day_code"], output: "day_part" },
    { op: "Gather", inputs: ["block_table", "hour_code"], output: "block" },
    { op: "GreaterOrEqual", inputs: ["distance", "distance_edges"], output: "edges_passed" },
    {
      op: "Cast",
      inputs: ["edges_passed"],
      output: "edges_counted",
      attributes: [attribute.int("to", 7)],
    },
    { op: "ReduceSum", inputs: ["edges_counted", "column_axis"], output: "distance_bin" },
    { op: "Gather", inputs: ["distance_table", "distance_bin"], output: "distance_part" },
    ...airportNodes("origin", tables.origins),
    ...airportNodes("destination", tables.destinations),
    {
      op: "Sum",
      inputs: ["hour_part", "day_part", "distance_part", "origin_part", "destination_part"],
      output: "logit",
    },
    { op: "Sigmoid", inputs: ["logit"], output: "score_column" },
    { op: "Squeeze", inputs: ["score_column", "column_axis"], output: OUTPUT_NAME },
  ];
}

function encodeNumbers(
  input: string,
  output: string,
  keys: readonly number[],
  unknown: number,
): Node {
  return {
    op: "LabelEncoder",
    domain: "ai.onnx.ml",
    inputs: [input],
    output,
    attributes: [
      attribute.floats("keys_floats", keys),
      attribute.ints(
        "values_int64s",
        keys.map((_, i) => i),
      ),
      attribute.int("default_int64", unknown),
    ],
  };
}

/** Airport → first entry of its row in the table, then the column of the block. */
function airportNodes(role: "origin" | "destination", names: readonly string[]): readonly Node[] {
  return [
    {
      op: "LabelEncoder",
      domain: "ai.onnx.ml",
      inputs: [role],
      output: `${role}_row`,
      attributes: [
        attribute.strings("keys_strings", names),
        attribute.ints(
          "values_int64s",
          names.map((_, i) => i * BLOCK_COLUMNS),
        ),
        attribute.int("default_int64", names.length * BLOCK_COLUMNS),
      ],
    },
    { op: "Add", inputs: [`${role}_row`, "block"], output: `${role}_entry` },
    { op: "Gather", inputs: [`${role}_table`, `${role}_entry`], output: `${role}_part` },
  ];
}

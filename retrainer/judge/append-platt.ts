/**
 * Recalibrates an ONNX model by appending nodes behind its score: whatever the graph is, its output is
 * renamed and scaled. The file is rewritten field by field (protobuf wire format); what is not touched
 * stays byte for byte.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { PlattScale } from "./platt.ts";

interface Field {
  readonly number: number;
  readonly wire: number;
  /** The field as it stands, tag included. */
  readonly raw: Uint8Array;
  /** Payload of wire type 2. */
  readonly body: Uint8Array;
  /** Value of wire type 0. */
  readonly value: number;
}

const MODEL_GRAPH = 7;
const GRAPH = { node: 1, initializer: 5, output: 12 } as const;
const NODE = { input: 1, output: 2, op: 4 } as const;
const ELEMENT = { float: 1, double: 11 } as const;
const SCORE_MIN = 1e-6;
const PREFIX = "driftmend_platt";

/**
 * The bytes of the model with `output` scaled; the output keeps its name.
 * @throws {DriftmendError} model_unfit_for_scaling
 */
export function appendPlatt(model: Uint8Array, output: string, scale: PlattScale): Uint8Array {
  const fields = fieldsOf(model);
  const graph = fields.find(({ number }) => number === MODEL_GRAPH);
  if (graph === undefined) throw unfit("the file holds no graph");
  return Buffer.concat(
    fields.map((field) =>
      field === graph ? bytesField(MODEL_GRAPH, scaledGraph(graph.body, output, scale)) : field.raw,
    ),
  );
}

function scaledGraph(graph: Uint8Array, output: string, scale: PlattScale): Uint8Array {
  const fields = fieldsOf(graph);
  const element = elementOf(fields, output);
  const unscaled = `${PREFIX}_unscaled`;
  const kept = fields.map((field) =>
    field.number === GRAPH.node
      ? bytesField(GRAPH.node, renamed(field.body, output, unscaled))
      : field.raw,
  );
  const constants = { lo: SCORE_MIN, hi: 1 - SCORE_MIN, one: 1, a: scale.a, b: scale.b };
  const name = (part: string): string => `${PREFIX}_${part}`;
  const nodes: readonly (readonly [op: string, inputs: readonly string[], output: string])[] = [
    ["Max", [unscaled, name("lo")], name("above")],
    ["Min", [name("above"), name("hi")], name("p")],
    ["Sub", [name("one"), name("p")], name("q")],
    ["Div", [name("p"), name("q")], name("odds")],
    ["Log", [name("odds")], name("logit")],
    ["Mul", [name("logit"), name("a")], name("steeper")],
    ["Add", [name("steeper"), name("b")], name("shifted")],
    ["Sigmoid", [name("shifted")], output],
  ];
  return Buffer.concat([
    ...kept,
    ...nodes.map(([op, inputs, result]) =>
      bytesField(
        GRAPH.node,
        Buffer.concat([
          ...inputs.map((input) => bytesField(NODE.input, Buffer.from(input))),
          bytesField(NODE.output, Buffer.from(result)),
          bytesField(NODE.op, Buffer.from(op)),
        ]),
      ),
    ),
    ...Object.entries(constants).map(([part, value]) =>
      bytesField(GRAPH.initializer, scalar(name(part), value, element)),
    ),
  ]);
}

/** Element type of the output, which must be one score a row. */
function elementOf(graph: readonly Field[], output: string): number {
  for (const { body } of graph.filter(({ number }) => number === GRAPH.output)) {
    const info = fieldsOf(body);
    if (textOf(info.find(({ number }) => number === 1)) !== output) continue;
    const type = info.find(({ number }) => number === 2);
    const tensor = fieldsOf(type?.body ?? new Uint8Array()).find(({ number }) => number === 1);
    const parts = fieldsOf(tensor?.body ?? new Uint8Array());
    const element = parts.find(({ number }) => number === 1)?.value;
    if (element !== ELEMENT.float && element !== ELEMENT.double) {
      throw unfit(`its output "${output}" is no tensor of floats`);
    }
    const shape = parts.find(({ number }) => number === 2);
    const dimensions = fieldsOf(shape?.body ?? new Uint8Array()).map(({ body: size }) =>
      fieldsOf(size).find(({ number }) => number === 1),
    );
    const width = dimensions[1]?.value ?? 1;
    if (width !== 1) throw unfit(`its output "${output}" has ${width} columns`);
    return element;
  }
  throw unfit(`it has no output "${output}"`);
}

function renamed(node: Uint8Array, from: string, to: string): Uint8Array {
  return Buffer.concat(
    fieldsOf(node).map((field) => {
      const isName = field.number === NODE.input || field.number === NODE.output;
      return isName && textOf(field) === from
        ? bytesField(field.number, Buffer.from(to))
        : field.raw;
    }),
  );
}

/** TensorProto without dimensions. */
function scalar(name: string, value: number, element: number): Uint8Array {
  const raw = element === ELEMENT.double ? Buffer.alloc(8) : Buffer.alloc(4);
  if (element === ELEMENT.double) raw.writeDoubleLE(value);
  else raw.writeFloatLE(value);
  return Buffer.concat([
    varint(2 * 8),
    varint(element),
    bytesField(8, Buffer.from(name)),
    bytesField(9, raw),
  ]);
}

const textOf = (field: Field | undefined): string =>
  field === undefined ? "" : Buffer.from(field.body).toString("utf8");

function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at++];
      if (byte === undefined) throw unfit("it ends in the middle of a field");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const from = at;
    const tag = next();
    const wire = tag % 8;
    let value = 0;
    let bodyFrom = at;
    if (wire === 0) value = next();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = next();
      bodyFrom = at;
      at += length;
    } else throw unfit(`it has a field of wire type ${wire}`);
    if (at > bytes.length) throw unfit("it ends in the middle of a field");
    const body = wire === 2 ? bytes.subarray(bodyFrom, at) : new Uint8Array();
    fields.push({ number: Math.floor(tag / 8), wire, raw: bytes.subarray(from, at), body, value });
  }
  return fields;
}

function bytesField(number: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([varint(number * 8 + 2), varint(body.length), body]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function unfit(why: string): DriftmendError {
  return new DriftmendError("model_unfit_for_scaling", {
    retry: "never",
    message: `Cannot scale the score of the ONNX model: ${why}`,
    next: 'Set "retrain.recalibrate" to "off", so that the model is retrained instead.',
  });
}

/**
 * What an inference request and its response become: one prediction per row, features from the tensors of the
 * request, the answer from those of the response. Pure.
 */
import type { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import type { TensorMapping } from "../../contract/mapping.ts";
import type { CaptureDocument } from "../columns/feature-rules.ts";
import type { PlainPrediction, PlainValue } from "../plain-record.ts";
import type { Element, Tensor, TensorBody } from "./tensors.ts";

/** One request of an inference protocol with what came back. */
export interface Exchange {
  /** As the address, the event or the answer names it. */
  readonly model: string;
  readonly version: string | null;
  /** What the caller was told that it is called, which only the mapping may say otherwise; null: nothing was told. */
  readonly id: string | null;
  /** What to call it where neither the mapping nor the request says so. */
  readonly fallbackId: string;
  readonly timeMs: number;
  /** Seconds; NaN where it is not known. */
  readonly latency: number;
  /** What went wrong; null for an answer. */
  readonly error: string | null;
  /** Of the request, in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly request: TensorBody | null;
  readonly response: TensorBody | null;
  readonly tags: readonly (readonly [string, PlainValue])[];
}

export type MappedExchange =
  | { readonly kind: "rows"; readonly rows: readonly PlainPrediction[]; readonly skipped: number }
  /** The mapping and the tensors do not fit each other. */
  | { readonly kind: "misfit"; readonly problem: string };

type Named = readonly (readonly [string, PlainValue])[];
type Task = NonNullable<z.output<typeof CaptureDocument>["task"]> | undefined;

/** Of one row, what the answer says. */
interface Answer {
  label?: PlainValue;
  score?: PlainValue;
  value?: PlainValue;
  probabilities?: Named;
}

class Misfit extends Error {}

export function mapExchange(
  exchange: Exchange,
  mapping: TensorMapping,
  task: Task,
): MappedExchange {
  try {
    return mapRows(exchange, mapping, task);
  } catch (error) {
    if (error instanceof Misfit) return { kind: "misfit", problem: error.message };
    throw error;
  }
}

function mapRows(exchange: Exchange, mapping: TensorMapping, task: Task): MappedExchange {
  const inputs = (exchange.request?.inputs ?? []).map((tensor) => asRows(tensor, mapping.batch));
  const outputs = (exchange.response?.outputs ?? []).map((tensor) => asRows(tensor, mapping.batch));
  const counts = new Set([...inputs, ...outputs].map(({ rows }) => rows));
  const [rows = 1] = counts;
  if (counts.size > 1) {
    throw new Misfit(
      `tensors have different numbers of rows (${[...counts].slice(0, ROW_COUNTS_TOLD).join(", ")}); "batch: false" where they have none`,
    );
  }
  if (rows > LIMITS.tensorRowsMax) {
    throw new Misfit(`it has ${rows} rows, at most ${LIMITS.tensorRowsMax} become predictions`);
  }
  const features = inputs
    .map((input) => featuresOf(input, mapping))
    .filter((part) => part !== NOTHING);
  const answers = outputs.map((output) => answerOf(output, mapping, task));
  const skipped = [...features, ...answers].reduce((sum, part) => sum + part.skipped, 0) * rows;
  const id = identityOf(exchange, mapping);
  const version = placeOf(mapping.version, exchange, 0) ?? exchange.version;
  const tags = Object.entries(mapping.tags).map(
    ([name, place]) => [name, (row: number) => placeOf(place, exchange, row)] as const,
  );
  return {
    kind: "rows",
    skipped,
    rows: Array.from({ length: rows }, (_, row): PlainPrediction => {
      const answer: Answer = Object.assign({}, ...answers.map(({ of }) => of(row)));
      return {
        model: exchange.model,
        version,
        id: id(row, rows),
        timeMs: exchange.timeMs,
        label: answer.label,
        score: answer.score,
        value: answer.value,
        latency: Number.isNaN(exchange.latency) ? undefined : exchange.latency,
        error: exchange.error,
        features: features.flatMap(({ of }) => of(row)),
        featuresJson: null,
        tags: [...exchange.tags, ...tags.map(([name, of]) => [name, of(row)] as const)],
        probabilities: answer.probabilities ?? [],
      };
    }),
  };
}

interface Rows {
  readonly tensor: Tensor;
  readonly rows: number;
  readonly columns: number;
  at(row: number, column: number): Element;
}

function asRows(tensor: Tensor, batch: boolean): Rows {
  const size = tensor.data.length;
  const rows = batch ? (tensor.shape[0] ?? 1) : 1;
  const columns = rows === 0 ? 0 : size / rows;
  return {
    ...{ tensor, rows, columns },
    at: (row, column) => tensor.data[row * columns + column] ?? null,
  };
}

interface Part<T> {
  readonly of: (row: number) => T;
  /** Values of a row that are not kept. */
  readonly skipped: number;
}

/** Row numbers that a misfit spells out. */
const ROW_COUNTS_TOLD = 5;

/** Callers name tensors, and a plain object has things under names such as "constructor". */
function ownOf<T>(entries: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}

const NOTHING: Part<Named> = { of: () => [], skipped: 0 };

function featuresOf(input: Rows, { inputs }: TensorMapping): Part<Named> {
  const { tensor, columns } = input;
  const given = ownOf(inputs, tensor.name);
  if (given !== undefined && "ignore" in given) return NOTHING;
  if (given === undefined && columns === 0) return NOTHING;
  const names = given?.columns ?? tensor.columns ?? namesByPlace(tensor.name, columns);
  if (names.length !== columns) {
    throw new Misfit(
      `tensor "${tensor.name}" has ${columns} columns and its mapping names ${names.length}`,
    );
  }
  if (columns > LIMITS.tensorColumnsMax) return { of: () => [], skipped: columns };
  return {
    of: (row) => names.map((name, column) => [name, input.at(row, column)] as const),
    skipped: 0,
  };
}

/** Of tensors that came before: the same ones come again and again. */
const knownNames = new Map<string, readonly string[]>();
const KNOWN_NAMES_MAX = 1_000;

function namesByPlace(name: string, columns: number): readonly string[] {
  const key = `${columns} ${name}`;
  const known = knownNames.get(key);
  if (known !== undefined) return known;
  const names =
    columns === 1 ? [name] : Array.from({ length: columns }, (_, column) => `${name}[${column}]`);
  if (knownNames.size < KNOWN_NAMES_MAX) knownNames.set(key, names);
  return names;
}

function answerOf(output: Rows, { outputs }: TensorMapping, task: Task): Part<Answer> {
  const { tensor, columns } = output;
  const given = ownOf(outputs, tensor.name) ?? guessed(output, task);
  const column = (place: number): ((row: number) => Element) => {
    if (place < columns) return (row) => output.at(row, place);
    throw new Misfit(`tensor "${tensor.name}" has no column ${place}: it has ${columns}`);
  };
  if (given === null || "ignore" in given) return { of: () => ({}), skipped: 0 };
  if ("score" in given) {
    const at = column(given.score);
    return { of: (row) => ({ score: at(row) }), skipped: 0 };
  }
  if ("value" in given) {
    const at = column(given.value);
    return { of: (row) => ({ value: at(row) }), skipped: 0 };
  }
  if ("label" in given) {
    const at = column(0);
    const names = given.label === true ? [] : given.label;
    return { of: (row) => ({ label: nameOf(at(row), names) }), skipped: 0 };
  }
  const classes = given.probabilities;
  if (classes.length !== columns) {
    throw new Misfit(
      `tensor "${tensor.name}" has ${columns} columns and its mapping names ${classes.length} classes`,
    );
  }
  return { of: (row) => fromProbabilities(output, row, classes, task), skipped: 0 };
}

function nameOf(value: Element, names: readonly string[]): PlainValue {
  const place = typeof value === "bigint" ? Number(value) : value;
  return typeof place === "number" ? (names[place] ?? String(value)) : value;
}

/** Without a word: texts and whole numbers are labels, one column a score or value, several probabilities by place. */
function guessed({ tensor, columns }: Rows, task: Task): TensorMapping["outputs"][string] | null {
  if (columns === 0 || columns > LIMITS.tensorColumnsMax) return null;
  if (columns > 1)
    return { probabilities: namesByPlace("", columns).map((name) => name.slice(1, -1)) };
  const isNumber = typeof tensor.data[0] === "number" && !/^U?INT/.test(tensor.datatype);
  if (!isNumber) return { label: true };
  return task?.type === "binary" ? { score: 0 } : { value: 0 };
}

/** The score is the positive class's probability; the label of more than two classes the most probable one. */
function fromProbabilities(
  output: Rows,
  row: number,
  classes: readonly string[],
  task: Task,
): Answer {
  const probabilities = classes.map((name, column) => [name, output.at(row, column)] as const);
  const positive = probabilities.find(([name]) => name === task?.positive);
  const [best] = probabilities.toSorted(([, a], [, b]) => Number(b) - Number(a));
  return {
    probabilities,
    ...(positive === undefined ? {} : { score: positive[1] }),
    ...(classes.length > 2 && best !== undefined ? { label: best[0] } : {}),
  };
}

/** Rows of a batch are `<id>/<row>`, unless each has an id of its own. */
function identityOf(
  exchange: Exchange,
  { identity }: TensorMapping,
): (row: number, rows: number) => PlainValue {
  const { request, response, fallbackId } = exchange;
  if (identity?.startsWith("tensor:") === true) {
    return (row) => placeOf(identity, exchange, row);
  }
  const found = placeOf(identity, exchange, 0);
  const whole =
    identity === undefined
      ? (exchange.id ?? request?.id ?? response?.id ?? fallbackId)
      : (found ?? "");
  return (row, rows) => (rows === 1 || whole === "" ? whole : `${String(whole)}/${row}`);
}

function placeOf(place: string | undefined, exchange: Exchange, row: number): PlainValue {
  if (place === undefined) return undefined;
  const [kind, name] = [place.slice(0, place.indexOf(":")), place.slice(place.indexOf(":") + 1)];
  if (kind === "header") return exchange.headers.get(name.toLowerCase());
  if (kind === "body") return atPath(exchange.request?.json, name);
  const tensor = [...(exchange.request?.inputs ?? []), ...(exchange.response?.outputs ?? [])].find(
    (one) => one.name === name,
  );
  if (tensor === undefined) return undefined;
  const [value] = [asRows(tensor, true).at(row, 0)];
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
}

/** `$.a.b[0].c` in a body of JSON. */
function atPath(json: unknown, path: string): PlainValue {
  const steps = path
    .replace(/^\$\.?/, "")
    .split(/\.|\[(\d+)\]/)
    .filter((step) => step !== undefined && step !== "");
  let value: unknown = json;
  for (const step of steps) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.entries(value).find(([key]) => key === step)?.[1];
  }
  return typeof value === "object" ? undefined : value;
}

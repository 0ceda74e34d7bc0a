/**
 * A record whose body is one row of columns, by what its sender says that they are: features, what was predicted, and
 * the truth where it was known already. The description may have come with an earlier record.
 */
import { crc32 } from "node:zlib";
import { LIMITS } from "../../contract/limits.ts";
import type { RecordMapping } from "../../contract/mapping.ts";
import type { PlainLabel, PlainPrediction, PlainValue } from "../plain-record.ts";
import { type ColumnSchemas, type Described, describedBy, senderOf } from "./column-schemas.ts";
import { placesOf } from "./map-record.ts";
import type { AnyPlain, ForeignRecord } from "./record.ts";
import type { RowCounts } from "./row-counts.ts";

export type MappedColumns =
  | {
      readonly kind: "row";
      readonly prediction: PlainPrediction | null;
      readonly label: PlainLabel | null;
      /** Values of roles or types that are not kept. */
      readonly skipped: number;
    }
  /** Neither this record nor an earlier one of its sender says what its columns are. */
  | { readonly kind: "schema_unknown"; readonly prediction: PlainPrediction };

export interface ColumnMemory {
  readonly schemas: ColumnSchemas;
  readonly rows: RowCounts;
}

/** Reads a body; where it is refused, or must be read again, nothing of it is remembered. */
export function remembering(memory: ColumnMemory, read: () => void): void {
  memory.schemas.begin();
  memory.rows.begin();
  try {
    read();
  } catch (error) {
    memory.schemas.takeBack();
    memory.rows.takeBack();
    throw error;
  }
}

type Columns = NonNullable<RecordMapping["columns"]>;
type Entry = readonly [string, PlainValue];

/** What Python writes for what is not there. */
const NO_ID: ReadonlySet<PlainValue> = new Set(["", "None"]);

export function mapColumns(
  record: ForeignRecord,
  mapping: RecordMapping & { readonly columns: Columns },
  memory: ColumnMemory,
): MappedColumns {
  const { columns } = mapping;
  const body: ReadonlyMap<string, AnyPlain> = record.body instanceof Map ? record.body : new Map();
  const values = [...body].filter(([key]) => !columns.except.includes(key));
  const described = schemaOf(
    record,
    body,
    values.map(([name]) => name),
    columns,
    memory.schemas,
  );
  const whole = { ...record, body: withFacts(body, described, columns) };
  const at = placesOf(whole);
  const tags = Object.entries(mapping.tags).map(([name, places]): Entry => [name, at(places)]);
  const identity = {
    model: at(mapping.model) ?? modelIn(record),
    id: rowId(at(mapping.id), record, memory.rows),
    timeMs: record.timeMs,
  };
  const rest = {
    version: at(mapping.version),
    latency: at(mapping.latency),
    error: undefined,
    tags,
  };
  if (described === null) {
    const features = values.map(([name, value]): Entry => [name, plainIn(value)]);
    const nothing = { label: undefined, score: undefined, value: undefined, probabilities: [] };
    return {
      kind: "schema_unknown",
      prediction: { ...identity, ...rest, ...nothing, features, featuresJson: null },
    };
  }
  return { kind: "row", ...rowOf(described, new Map(values), { ...identity, ...rest }) };
}

function schemaOf(
  record: ForeignRecord,
  body: ReadonlyMap<string, AnyPlain>,
  names: readonly string[],
  { remember, schema }: Columns,
  schemas: ColumnSchemas,
): Described | null {
  const sender = senderOf(record);
  const own = describedBy(sender, body.get(remember), schema);
  if (own === null) return schemas.find(sender, names);
  schemas.add(own);
  return own;
}

/** The body as if the description had come with it. */
function withFacts(
  body: ReadonlyMap<string, AnyPlain>,
  described: Described | null,
  { remember }: Columns,
): AnyPlain {
  return described === null ? body : new Map([...body, [remember, new Map(described.facts)]]);
}

/** A service's name, for a record that nobody has described: BentoML writes `<bento>:<monitor>`. */
function modelIn({ resource }: ForeignRecord): PlainValue {
  const service = String(resource.get("service.name") ?? "").split(":")[0] ?? "";
  return service === "" || service.startsWith("unknown_service") ? undefined : service;
}

function rowId(id: PlainValue, record: ForeignRecord, rows: RowCounts): PlainValue {
  if (id === undefined || id === null || NO_ID.has(id)) return undefined;
  const content = crc32(JSON.stringify(record.body, shown));
  const row = rows.rowOf(`${senderOf(record)}\n${String(id)}`, `${record.timeNanos} ${content}`);
  return row === 0 ? id : `${String(id)}/${row}`;
}

const shown = (_key: string, value: unknown): unknown => {
  if (value instanceof Map) return [...value];
  return typeof value === "bigint" ? String(value) : value;
};

interface Row {
  readonly prediction: PlainPrediction | null;
  readonly label: PlainLabel | null;
  readonly skipped: number;
}

type Known = Pick<
  PlainPrediction,
  "model" | "id" | "timeMs" | "version" | "latency" | "error" | "tags"
>;

function rowOf(described: Described, values: ReadonlyMap<string, AnyPlain>, known: Known): Row {
  const features: Entry[] = [];
  const told: Told = { texts: [], numbers: [], lists: [] };
  const truth: Told = { texts: [], numbers: [], lists: [] };
  let skipped = 0;
  for (const { name, role, type } of described.columns) {
    const value = values.get(name);
    if (value === undefined || value === null) continue;
    if (role === "feature") features.push(...featuresOf(name, value));
    else if (role === "prediction") skipped += tell(told, type, value);
    else if (role === "target") skipped += tell(truth, type, value);
    else skipped++;
  }
  const isPrediction =
    features.length + told.texts.length + told.numbers.length + told.lists.length > 0;
  const { answer, left } = answerOf(told);
  const isLabel = truth.texts.length + truth.numbers.length > 0;
  return {
    prediction: isPrediction ? { ...known, ...answer, features, featuresJson: null } : null,
    label: isLabel ? labelOf(truth, known) : null,
    skipped: skipped + left + truth.lists.length,
  };
}

/** Values of predictions or targets, by what they can be. */
interface Told {
  readonly texts: PlainValue[];
  readonly numbers: PlainValue[];
  readonly lists: (readonly PlainValue[])[];
}

/** @returns how many values have no place */
function tell(told: Told, type: string, value: AnyPlain): number {
  if (Array.isArray(value)) told.lists.push(value);
  else if (value instanceof Map) return 1;
  else if (type === "numerical" && typeof value !== "string") told.numbers.push(value);
  else told.texts.push(value);
  return 0;
}

function featuresOf(name: string, value: AnyPlain): readonly Entry[] {
  if (!Array.isArray(value)) return [[name, value]];
  if (value.length > LIMITS.tensorColumnsMax) return [[name, value]];
  return value.map((item: PlainValue, i): Entry => [`${name}[${i}]`, item]);
}

/** A class is the label, and a number beside it its score; a number alone is the value; a list has a probability for each class. */
function answerOf({ texts, numbers, lists }: Told): {
  readonly answer: Pick<PlainPrediction, "label" | "score" | "value" | "probabilities">;
  readonly left: number;
} {
  const [label] = texts;
  const [number] = numbers;
  const [list = []] = lists;
  const isKept = list.length <= LIMITS.probabilitiesPerRecordMax;
  const left = [texts, numbers, lists].reduce(
    (sum, { length }) => sum + Math.max(length - 1, 0),
    0,
  );
  return {
    answer: {
      label,
      score: label === undefined ? undefined : number,
      value: label === undefined ? number : undefined,
      probabilities: isKept ? list.map((value, i): Entry => [String(i), value]) : [],
    },
    left: left + (isKept ? 0 : list.length),
  };
}

function labelOf({ texts, numbers }: Told, { model, id, timeMs }: Known): PlainLabel {
  const predictionTime = timeMs > 0 ? new Date(timeMs).toISOString() : undefined;
  return {
    ...{ model, id, timeMs, label: texts[0], value: numbers[0], predictionTime },
    ...{ source: "monitor", revision: undefined },
  };
}

const plainIn = (value: AnyPlain): PlainValue => (typeof value === "object" ? undefined : value);

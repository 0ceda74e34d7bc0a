/**
 * Reads every section of a frame before it may enter a group: structure, bounds, the columns of its
 * table, event times. What does not fit becomes dead letters with a reason; nothing here throws, so that
 * a poisoned frame can never hold up its shard.
 */
import { describeError } from "../contract/driftmend-error.ts";
import type { DecodedFrame, FrameHeader, FrameSection } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { type Block, columnOf, readBlock, textAt } from "../contract/native-block.ts";
import {
  DEAD_LETTER_COLUMNS,
  LABEL_COLUMNS,
  OPTIONAL_COLUMNS,
  PREDICTION_COLUMNS,
  SERVER_METRIC_COLUMNS,
} from "../contract/payload-blocks.ts";
import { filterBlock } from "./filter-block.ts";
import { type Refusal, type TimeBounds, refusedRows, timeText } from "./refused-rows.ts";
import { type PredictionColumns, predictionColumns } from "./prediction-columns.ts";
import type { RecordIds } from "./record-ids.ts";

export type SectionTable = FrameSection["table"];

export interface Bounds {
  readonly predictions: TimeBounds;
  readonly labels: TimeBounds;
  readonly deadLetters: TimeBounds;
  readonly serverMetrics: TimeBounds;
}

export interface CheckedPredictions {
  readonly payload: Uint8Array;
  readonly columns: PredictionColumns;
}

export interface CheckedLabels {
  readonly payload: Uint8Array;
  readonly rows: number;
  readonly times: Float64Array;
  /** NaN: not said. */
  readonly predictionTimes: Float64Array;
  readonly ids: RecordIds;
}

export interface CheckedServerMetrics {
  readonly payload: Uint8Array;
  readonly rows: number;
  readonly times: Float64Array;
}

export interface DeadLetter {
  readonly timeMs: number;
  readonly record: SectionTable | "frame";
  readonly model: string;
  readonly id: string;
  readonly reason: string;
  readonly detail: string;
  readonly sample: string;
  readonly rows: number;
  readonly payload: Uint8Array;
}

export interface CheckedFrame {
  readonly header: FrameHeader;
  readonly predictions: readonly CheckedPredictions[];
  readonly labels: readonly CheckedLabels[];
  /** Dead letters of the agent, as its block. */
  readonly deadLetterBlocks: readonly { readonly payload: Uint8Array; readonly rows: number }[];
  readonly serverMetrics: readonly CheckedServerMetrics[];
  readonly deadLetters: readonly DeadLetter[];
  readonly bytes: number;
}

const COLUMNS: Readonly<Record<SectionTable, readonly { name: string; type: string }[]>> = {
  predictions: PREDICTION_COLUMNS,
  labels: LABEL_COLUMNS,
  dead_letters: DEAD_LETTER_COLUMNS,
  server_metrics: SERVER_METRIC_COLUMNS,
};
const NOTHING = new Uint8Array(0);

export function checkFrame(
  frame: Extract<DecodedFrame, { kind: "frame" }>,
  bounds: Bounds,
): CheckedFrame {
  const checked = {
    header: frame.header,
    predictions: [] as CheckedPredictions[],
    labels: [] as CheckedLabels[],
    deadLetterBlocks: [] as { payload: Uint8Array; rows: number }[],
    serverMetrics: [] as CheckedServerMetrics[],
    deadLetters: [] as DeadLetter[],
    bytes: frame.frameBytes,
  };
  for (const section of frame.sections) {
    try {
      checkSection(section, bounds, checked);
    } catch (error) {
      checked.deadLetters.push({
        timeMs: clamp(frame.header.acceptedMs, bounds.deadLetters),
        record: section.table,
        model: Object.keys(section.models)[0] ?? "",
        id: "",
        reason: "block_invalid",
        detail: describeError(error),
        sample: "",
        rows: section.rows,
        payload: boundedPayload(section.payload),
      });
    }
  }
  return checked;
}

function checkSection(
  section: FrameSection & { readonly payload: Uint8Array },
  bounds: Bounds,
  checked: {
    header: FrameHeader;
    predictions: CheckedPredictions[];
    labels: CheckedLabels[];
    deadLetterBlocks: { payload: Uint8Array; rows: number }[];
    serverMetrics: CheckedServerMetrics[];
    deadLetters: DeadLetter[];
  },
): void {
  const block = readBlock(section.payload);
  checkColumns(section.table, block);
  if (block.rows !== section.rows) {
    throw new Error(`the header says ${section.rows} rows and the block ${block.rows}`);
  }
  if (block.rows === 0) return;
  if (section.table === "dead_letters") {
    const outside = rowsOutside(columnOf(block, "time", "time").values, bounds.deadLetters);
    if (outside.length > 0) throw new Error("dead letters have a time that cannot be");
    checked.deadLetterBlocks.push({ payload: section.payload, rows: block.rows });
    return;
  }
  const { table } = section;
  const times = columnOf(block, timeColumnOf(table), "time").values;
  const refused = refusedRows(block, times, boundsOf(table, bounds));
  checked.deadLetters.push(...refusals(checked.header, section, block, refused, bounds));
  if (refused.size === block.rows) return;
  const sound =
    refused.size === 0
      ? { block, payload: section.payload }
      : filterBlock(block, rowsWithout(block.rows, refused));
  if (table === "predictions") {
    const columns = predictionColumns(sound.block);
    checkWeights(columns);
    checked.predictions.push({ payload: sound.payload, columns });
  } else if (table === "labels") {
    checked.labels.push(labelsOf(sound.block, sound.payload));
  } else {
    const { rows } = sound.block;
    const own = columnOf(sound.block, "ts", "time").values;
    checked.serverMetrics.push({ payload: sound.payload, rows, times: own });
  }
}

const timeColumnOf = (table: SectionTable): "time" | "ts" =>
  table === "predictions" || table === "server_metrics" ? "ts" : "time";

function boundsOf(table: "predictions" | "labels" | "server_metrics", bounds: Bounds): TimeBounds {
  if (table === "server_metrics") return bounds.serverMetrics;
  return table === "predictions" ? bounds.predictions : bounds.labels;
}

function checkColumns(table: SectionTable, block: Block): void {
  const optional = OPTIONAL_COLUMNS[table];
  const wanted = COLUMNS[table];
  const all = optional === null ? wanted : [...wanted, optional];
  const given = block.columns;
  const fits =
    (given.length === wanted.length || given.length === all.length) &&
    given.every(({ name, type }, i) => all[i]?.name === name && all[i]?.type === type);
  if (fits) return;
  const has = given.map(({ name, type }) => `${name} ${type}`).join(", ");
  throw new Error(`a block of "${table}" cannot have the columns ${has}`);
}

/** Sums of weights must stay whole, and keys of rollups must be numbers. */
function checkWeights({ weight }: PredictionColumns): void {
  for (const value of weight ?? []) {
    if (value >= 1 && value <= LIMITS.recordWeightMax) continue;
    throw new Error(`a row cannot stand for ${value} predictions`);
  }
}

function rowsOutside(times: Float64Array, bounds: TimeBounds): number[] {
  const outside: number[] = [];
  for (let row = 0; row < times.length; row++) {
    const ms = times[row]!;
    if (!(ms >= bounds.fromMs && ms <= bounds.toMs)) outside.push(row);
  }
  return outside;
}

function rowsWithout(rows: number, refused: ReadonlyMap<number, Refusal>): number[] {
  return Array.from({ length: rows }, (_, row) => row).filter((row) => !refused.has(row));
}

/** One letter for each refused row; beyond the maximum one for all that are left. */
function refusals(
  header: FrameHeader,
  section: FrameSection & { readonly payload: Uint8Array },
  block: Block,
  refused: ReadonlyMap<number, Refusal>,
  bounds: Bounds,
): DeadLetter[] {
  const rows = [...refused];
  const told = rows.slice(0, LIMITS.deadLettersPerSectionMax);
  const letters = told.map(([row, refusal]) =>
    letterOf(header, section.table, block, row, refusal, bounds),
  );
  const last = rows.at(-1);
  if (rows.length > told.length && last !== undefined) {
    const letter = letterOf(header, section.table, block, ...last, bounds);
    const more = rows.length - told.length;
    letters.push({ ...letter, rows: more, payload: boundedPayload(section.payload) });
  }
  return letters;
}

function boundedPayload(payload: Uint8Array): Uint8Array {
  return payload.subarray(0, LIMITS.deadLetterPayloadBytesMax);
}

function letterOf(
  header: FrameHeader,
  table: SectionTable,
  block: Block,
  row: number,
  { reason, detail }: Refusal,
  bounds: Bounds,
): DeadLetter {
  const cut = (text: string): string => text.slice(0, LIMITS.modelNameBytesMax).toWellFormed();
  const model = cut(textAt(columnOf(block, "model", "dictionary"), row));
  // Samples of servers have none.
  const id = table === "server_metrics" ? "" : cut(textAt(columnOf(block, "id", "string"), row));
  const times = columnOf(block, timeColumnOf(table), "time").values;
  return {
    timeMs: clamp(header.acceptedMs, bounds.deadLetters),
    record: table,
    model,
    id,
    ...{ reason, detail },
    sample: JSON.stringify({ model, id, time: timeText(times[row]!) }),
    rows: 1,
    payload: NOTHING,
  };
}

/** A wrong clock of an agent must not reach a partition of the year 2100 through its dead letters. */
function clamp(ms: number, bounds: TimeBounds): number {
  return Math.min(Math.max(ms, bounds.fromMs), bounds.toMs);
}

function labelsOf(block: Block, payload: Uint8Array): CheckedLabels {
  const ids: RecordIds = {
    rows: block.rows,
    model: columnOf(block, "model", "dictionary"),
    id: columnOf(block, "id", "string"),
  };
  const times = columnOf(block, "time", "time").values;
  const predictionTimes = columnOf(block, "prediction_time", "nullable-time").values;
  return { payload, rows: block.rows, times, predictionTimes, ids };
}

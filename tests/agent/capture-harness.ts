/** A recorder with everything around it, and what it put into the frame as plain rows. */
import { FrameBuilder } from "../../agent/columns/frame-builder.ts";
import { CaptureDocument, FeatureRules } from "../../agent/columns/feature-rules.ts";
import { MappingBook } from "../../agent/mapping/mapping-book.ts";
import { shippedMappings } from "../../agent/mapping/read-mappings.ts";
import { ModelClocks } from "../../agent/model-clocks.ts";
import { PINNED_TEXTS } from "../../agent/otlp/vocabulary.ts";
import { RequestReader } from "../../agent/otlp/request-reader.ts";
import { NOTHING_SHED, type Shedding } from "../../agent/sampling/shedding.ts";
import { Recorder } from "../../agent/recorder.ts";
import type { Mapping } from "../../contract/mapping.ts";
import { framesIn } from "./agent-process.ts";
import { type Block, type Column, readBlock, textAt } from "../../contract/native-block.ts";

export const NOW_MS = Date.UTC(2026, 0, 15, 12);
const RETENTION_MS = 400 * 86_400_000;

export type Row = Readonly<Record<string, unknown>>;

const KEY_OF = {
  predictions: "predictions",
  labels: "labels",
  dead_letters: "deadLetters",
  server_metrics: "serverMetrics",
} as const;

/** As `takePlainPrediction` takes it. */
export const plainPrediction = (id: string, more: object = {}) => ({
  ...{ model: "m", version: "1", id, timeMs: NOW_MS, label: undefined, score: 0.5 },
  ...{ value: undefined, latency: undefined, error: undefined, features: [["x", 1]] as const },
  ...{ featuresJson: null, tags: [], probabilities: [], ...more },
});
/** As `takePlainLabel` takes it. */
export const plainLabel = (id: string) => ({
  ...{ model: "m", id, timeMs: NOW_MS, label: "yes", value: undefined, source: undefined },
  ...{ revision: undefined, predictionTime: undefined },
});

export function createCapture(
  documents: Readonly<Record<string, unknown>> = {},
  own: readonly Mapping[] = [],
  shedding: () => Shedding = () => NOTHING_SHED,
) {
  const rules = new FeatureRules();
  for (const [model, document] of Object.entries(documents)) {
    rules.set(model, CaptureDocument.parse(document));
  }
  const frame = new FrameBuilder(PINNED_TEXTS);
  const nowMs = (): number => NOW_MS;
  const clocks = new ModelClocks(nowMs, new Map());
  const recorder = new Recorder({
    frame,
    rules,
    clocks,
    nowMs,
    retentionMs: RETENTION_MS,
    shedding,
  });
  const mappings = new MappingBook({ own, shipped: shippedMappings() }, rules);
  const reader = new RequestReader(recorder, rules, mappings);
  return {
    rules,
    mappings,
    frame,
    clocks,
    recorder,
    reader,
    /** Takes one request in; a request that throws is taken back. */
    take(read: () => void): void {
      frame.begin();
      recorder.begin();
      try {
        read();
      } catch (error) {
        frame.rollback();
        throw error;
      }
      frame.commit(null);
    },
    /** All rows of the batch by table, and a new frame. */
    rows(): { predictions: Row[]; labels: Row[]; deadLetters: Row[]; serverMetrics: Row[] } {
      const tables = {
        ...{ predictions: [] as Row[], labels: [] as Row[] },
        ...{ deadLetters: [] as Row[], serverMetrics: [] as Row[] },
      };
      for (const content of frame.seal().frames) {
        for (const [i, { table }] of content.sections.entries()) {
          const rows = rowsOf(readBlock(content.payloads[i] ?? new Uint8Array()));
          tables[KEY_OF[table]].push(...rows);
        }
      }
      return tables;
    },
  };
}

export function rowsOf(block: Block): Row[] {
  return Array.from({ length: block.rows }, (_, row) =>
    Object.fromEntries(block.columns.map(({ name, column }) => [name, valueAt(column, row)])),
  );
}

function valueAt(column: Column, row: number): unknown {
  if (column.kind === "string" || column.kind === "dictionary") return textAt(column, row);
  if (column.kind !== "map") return column.values[row];
  const { keys, values, ends } = column;
  const from = row === 0 ? 0 : (ends[row - 1] ?? 0);
  const entries: [string, unknown][] = [];
  for (let i = from; i < (ends[row] ?? 0); i++) {
    entries.push([textAt(keys, i), valueAt(values, i)]);
  }
  return entries;
}

/** Rows of server metrics that the spool in `folder` holds. */
export function spooledMetrics(folder: string): Row[] {
  return framesIn(folder)
    .flatMap(({ sections }) => sections)
    .filter(({ table }) => table === "server_metrics")
    .flatMap(({ payload }) => rowsOf(readBlock(payload)));
}

/** Rows with this id that the spool in `folder` holds. */
export function spooledRows(
  folder: string,
  table: "predictions" | "labels" | "dead_letters",
  /** Of one record; all where it is left out. */
  id?: string,
): Row[] {
  return framesIn(folder)
    .flatMap(({ sections }) => sections)
    .filter((section) => section.table === table)
    .flatMap(({ payload }) => rowsOf(readBlock(payload)))
    .filter((row) => id === undefined || row["id"] === id);
}

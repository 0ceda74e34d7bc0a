/**
 * The rollups of one group, filled block by block while the group is formed. What it counts equals what
 * `store/queries/rollups-from-raw.ts` computes from the stored rows, cell by cell; features are counted
 * for rows without an error, what a model did for all rows.
 */
import { cellOf } from "../../stats/grid.ts";
import { GRAINS_MS, type ModelSettings, type SegmentValues } from "../model-settings.ts";
import type { PredictionColumns } from "../prediction-columns.ts";
import { CELL_OFFSET, CellTable, type ColumnOf, type RowSpan } from "./cell-table.ts";
import { Cohorts } from "./cohorts.ts";
import { type RowSegments, rowSegments } from "./declared-segments.ts";
import {
  type FeatureSlot,
  FeatureSlots,
  LATENCY_FEATURE,
  SCORE_FEATURE,
  VALUE_FEATURE,
  categoryNumber,
} from "./feature-slots.ts";
import { ModelRollup } from "./model-rollup.ts";
import { regularWidth } from "./regular-map.ts";
import { type RowCohorts, assignCohorts } from "./row-cohorts.ts";

const SLOT_SHIFT = 16;
/** 256 rows of 20 doubles are 40 KiB. */
const SPAN_ROWS = 256;

export interface ModelPart {
  readonly settings: ModelSettings;
  readonly slots: FeatureSlots;
  readonly cohorts: Cohorts;
  readonly cells: CellTable;
  /** Rows without an error by cohort. */
  readonly rows: number[];
}

export class RollupBuilder {
  /** By model. */
  readonly parts = new Map<string, ModelPart>();
  readonly models = new ModelRollup();
  /** Values that were not counted because their model has too many features. */
  uncountedValues = 0;
  private readonly settingsOf: (model: string) => ModelSettings;
  private readonly segmentValues: SegmentValues;

  constructor(settingsOf: (model: string) => ModelSettings, segmentValues: SegmentValues) {
    this.settingsOf = settingsOf;
    this.segmentValues = segmentValues;
  }

  add(columns: PredictionColumns): void {
    for (const [model, rows] of rowsByModel(columns)) {
      const part = this.partOf(model);
      const segments = rowSegments(columns.tags, columns.rows, part.settings.segments);
      this.models.add(columns, model, rows, segments, this.segmentValues);
      this.addFeatures(columns, model, rows, part, segments);
    }
  }

  private partOf(model: string): ModelPart {
    const known = this.parts.get(model);
    if (known !== undefined) return known;
    const settings = this.settingsOf(model);
    const part = {
      settings,
      slots: new FeatureSlots(settings.grids),
      cohorts: new Cohorts(),
      cells: new CellTable(),
      rows: [],
    };
    this.parts.set(model, part);
    return part;
  }

  private addFeatures(
    columns: PredictionColumns,
    model: string,
    rows: Uint32Array,
    part: ModelPart,
    segments: readonly RowSegments[],
  ): void {
    const rowCohorts = assignCohorts(
      {
        columns,
        model,
        rows,
        segments,
        grainMs: GRAINS_MS[part.settings.grain],
        onlyWithoutError: true,
        cohorts: part.cohorts,
      },
      this.segmentValues,
    );
    for (const cohorts of rowCohorts) {
      for (const cohort of cohorts) {
        if (cohort >= 0) part.rows[cohort] = (part.rows[cohort] ?? 0) + 1;
      }
    }
    this.addNumbers(columns, rows, part, rowCohorts);
    this.addCategories(columns, rows, part, rowCohorts);
    const { score, value, latency } = columns;
    addPlain(score, SCORE_FEATURE, rows, part, rowCohorts);
    addPlain(value, VALUE_FEATURE, rows, part, rowCohorts);
    // One kind of array for all columns: the loop that counts them is then compiled for it alone.
    addPlain(Float64Array.from(latency), LATENCY_FEATURE, rows, part, rowCohorts);
  }

  private addNumbers(
    { num }: PredictionColumns,
    rows: Uint32Array,
    part: ModelPart,
    rowCohorts: RowCohorts,
  ): void {
    const { ends, values } = num;
    const width = regularWidth(num);
    if (width > 0) {
      const regular = Array.from({ length: width }, (_, start) => {
        const name = num.keys.keys[num.keys.indexes[start]!] ?? "";
        return { start, slot: part.slots.slotOf(name, "numeric") };
      });
      for (const span of spansOf(rows.length)) {
        for (const { start, slot } of regular) {
          const column = { values, start, stride: width, rows };
          if (slot === null) this.uncountedValues += span.to - span.from;
          else addColumn(part, slot, column, rowCohorts, span, false);
        }
      }
      return;
    }
    const slots: (FeatureSlot | null | undefined)[] = [];
    const keys = num.keys.indexes;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      for (let entry = row === 0 ? 0 : ends[row - 1]!; entry < ends[row]!; entry++) {
        const key = keys[entry]!;
        let slot = slots[key];
        if (slot === undefined) {
          slot = part.slots.slotOf(num.keys.keys[key] ?? "", "numeric");
          slots[key] = slot;
        }
        if (slot === null) {
          this.uncountedValues++;
          continue;
        }
        addNumber(part.cells, slot, values[entry]!, rowCohorts, i);
      }
    }
  }

  private addCategories(
    { cat }: PredictionColumns,
    rows: Uint32Array,
    part: ModelPart,
    rowCohorts: RowCohorts,
  ): void {
    const width = regularWidth(cat);
    for (let start = 0; start < width; start++) {
      const slot = part.slots.slotOf(cat.keys.keys[cat.keys.indexes[start]!] ?? "", "categorical");
      if (slot === null) {
        this.uncountedValues += rows.length;
        continue;
      }
      const column = { values: cat.values.indexes, start, stride: width, rows };
      const cells = cellsOfCategories(slot, column, cat.values.keys);
      const all = { from: 0, to: rows.length };
      for (const cohorts of rowCohorts) {
        part.cells.addCategories(cohorts, slot.slot, column, all, cells);
      }
    }
    if (width > 0) return;
    const slots: (FeatureSlot | null | undefined)[] = [];
    const numbers: (number | undefined)[][] = [];
    const { ends } = cat;
    const keys = cat.keys.indexes;
    const values = cat.values.indexes;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      for (let entry = row === 0 ? 0 : ends[row - 1]!; entry < ends[row]!; entry++) {
        const key = keys[entry]!;
        let slot = slots[key];
        if (slot === undefined) {
          slot = part.slots.slotOf(cat.keys.keys[key] ?? "", "categorical");
          slots[key] = slot;
          numbers[key] = [];
        }
        if (slot === null) {
          this.uncountedValues++;
          continue;
        }
        const value = values[entry]!;
        let number = numbers[key]![value];
        if (number === undefined) {
          number = categoryNumber(slot, cat.values.keys[value] ?? "");
          numbers[key]![value] = number;
        }
        const cell = (slot.slot << SLOT_SHIFT) | number;
        for (let c = 0; c < rowCohorts.length; c++) {
          const cohort = rowCohorts[c]![i]!;
          if (cohort >= 0) part.cells.add(cohort, cell, 0);
        }
      }
    }
  }
}

/** Scores, values and latencies: a NaN means that there is none. */
function addPlain(
  values: Float64Array,
  feature: string,
  rows: Uint32Array,
  part: ModelPart,
  rowCohorts: RowCohorts,
): void {
  if (!rows.some((row) => !Number.isNaN(values[row]))) return;
  const slot = part.slots.slotOf(feature, "numeric");
  if (slot === null) return;
  const all = { from: 0, to: rows.length };
  addColumn(part, slot, { values, start: 0, stride: 1, rows }, rowCohorts, all, true);
}

function addColumn(
  part: ModelPart,
  slot: FeatureSlot,
  column: ColumnOf<Float64Array>,
  rowCohorts: RowCohorts,
  span: RowSpan,
  isMissing: boolean,
): void {
  for (const cohorts of rowCohorts) part.cells.addNumbers(cohorts, slot, column, span, isMissing);
}

/** Rows in pieces of which a cache holds all features while they are read one after the other. */
function* spansOf(rows: number): Generator<RowSpan> {
  for (let from = 0; from < rows; from += SPAN_ROWS) {
    yield { from, to: Math.min(rows, from + SPAN_ROWS) };
  }
}

/** The cell, its slot above it, of each category that the column has; −1 for others. */
function cellsOfCategories(
  slot: FeatureSlot,
  { values, start, stride, rows }: ColumnOf<ArrayLike<number>>,
  names: readonly string[],
): Int32Array {
  const cells = new Int32Array(names.length).fill(-1);
  for (let i = 0; i < rows.length; i++) {
    const value = values[rows[i]! * stride + start]!;
    if (cells[value] === -1) {
      cells[value] = (slot.slot << SLOT_SHIFT) | categoryNumber(slot, names[value] ?? "");
    }
  }
  return cells;
}

function addNumber(
  cells: CellTable,
  slot: FeatureSlot,
  value: number,
  rowCohorts: RowCohorts,
  i: number,
): void {
  const cell = cellOf(value, slot.center, slot.invScale) + CELL_OFFSET;
  const finite = value - value === 0 ? value : 0;
  for (let c = 0; c < rowCohorts.length; c++) {
    const cohort = rowCohorts[c]![i]!;
    if (cohort >= 0) cells.add(cohort, (slot.slot << SLOT_SHIFT) | cell, finite);
  }
}

/** Slot and cell of a key of the table. */
export function unpackCell(key: number): { slot: number; cell: number } {
  return { slot: key >>> SLOT_SHIFT, cell: key & 0xffff };
}

/** Rows of each model that has some, sorted in one pass: a block may name as many models as it has rows. */
function* rowsByModel(columns: PredictionColumns): Generator<readonly [string, Uint32Array]> {
  const { indexes, keys } = columns.model;
  const ends = new Uint32Array(keys.length + 1);
  for (let row = 0; row < columns.rows; row++) ends[indexes[row]! + 1]! += 1;
  for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!;
  const starts = ends.slice();
  const rows = new Uint32Array(columns.rows);
  for (let row = 0; row < columns.rows; row++) {
    const model = indexes[row]!;
    rows[starts[model]!] = row;
    starts[model]! += 1;
  }
  for (const [i, model] of keys.entries()) {
    if (ends[i]! < ends[i + 1]!) yield [model, rows.subarray(ends[i], ends[i + 1])];
  }
}

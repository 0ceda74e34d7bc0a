/** A group's rollups as Native blocks, one for each tier of features that its models use and one of models. */
import {
  type DictionaryColumn,
  type NamedColumn,
  type NativeType,
  writeBlock,
} from "../../contract/native-block.ts";
import type { Grain } from "../model-settings.ts";
import type { Cohort } from "./cohorts.ts";
import type { FeatureSlot } from "./feature-slots.ts";
import type { ModelRollup } from "./model-rollup.ts";
import { CELL_OFFSET } from "./cell-table.ts";
import { type ModelPart, type RollupBuilder, unpackCell } from "./rollup-builder.ts";

/** Cell of rows that lack a feature which the model's grids know. */
const CELL_MISSING = 32_004;

export interface RollupBlock {
  readonly rows: number;
  readonly bytes: Uint8Array;
}

/** `cell` is shifted by 32 768; the collector's INSERT takes it back. */
export function featureBlocks(builder: RollupBuilder): ReadonlyMap<Grain, RollupBlock> {
  const rowsByGrain = new Map<Grain, FeatureRows>();
  for (const part of builder.parts.values()) {
    let rows = rowsByGrain.get(part.settings.grain);
    if (rows === undefined) {
      rows = new FeatureRows();
      rowsByGrain.set(part.settings.grain, rows);
    }
    addCells(rows, part);
  }
  const blocks = [...rowsByGrain].map(([grain, rows]) => [grain, rows.block()] as const);
  return new Map(blocks.filter(([, block]) => block.rows > 0));
}

export function modelBlock(rollup: ModelRollup): RollupBlock {
  const rows = rollup.cohorts.all.length;
  const columns = new CohortColumns();
  const error = new Dictionary();
  const unkept = new Float32Array(rows);
  for (const [i, cohort] of rollup.cohorts.all.entries()) {
    columns.push(cohort);
    error.push(cohort.error);
    unkept[i] = cohort.unkept;
  }
  const block = [
    ...columns.columns(),
    named("error", "LowCardinality(String)", error.column()),
    named("unkept", "Float32", { kind: "float32", values: unkept }),
    uint32("n", rollup.counts),
    uint32("latency_n", rollup.latencyCounts),
    float64("latency_s", rollup.latencySums),
  ];
  return { rows, bytes: writeBlock({ rows, columns: block }) };
}

function addCells(rows: FeatureRows, part: ModelPart): void {
  const { cells, cohorts, slots } = part;
  /** Rows that carry the slot, by cohort · slots + slot. */
  const present = new Map<number, number>();
  const width = slots.slots.length;
  cells.visit((cohortNumber, key, n, s, q) => {
    const { slot, cell } = unpackCell(key);
    const feature = slots.slots[slot]!;
    const numeric = feature.kind === "numeric";
    rows.push(cohorts.all[cohortNumber]!, feature, {
      cell: numeric ? cell : CELL_OFFSET,
      category: numeric ? "" : (feature.categories[cell] ?? ""),
      n,
      s,
      q,
    });
    const carrier = cohortNumber * width + slot;
    present.set(carrier, (present.get(carrier) ?? 0) + n);
  });
  for (const [cohortNumber, cohort] of cohorts.all.entries()) {
    for (const feature of slots.expected()) {
      const carried = present.get(cohortNumber * width + feature.slot) ?? 0;
      const n = (part.rows[cohortNumber] ?? 0) - carried;
      const cell = CELL_MISSING + CELL_OFFSET;
      if (n > 0) rows.push(cohort, feature, { cell, category: "", n, s: 0, q: 0 });
    }
  }
}

interface CellValues {
  readonly cell: number;
  readonly category: string;
  readonly n: number;
  readonly s: number;
  readonly q: number;
}

class FeatureRows {
  private readonly cohorts = new CohortColumns();
  private readonly feature = new Dictionary();
  private readonly category = new Dictionary();
  private readonly grid: number[] = [];
  private readonly cell: number[] = [];
  private readonly n: number[] = [];
  private readonly s: number[] = [];
  private readonly q: number[] = [];

  push(cohort: Cohort, slot: FeatureSlot, values: CellValues): void {
    this.cohorts.push(cohort);
    this.feature.push(slot.feature);
    this.category.push(values.category);
    this.grid.push(slot.grid);
    this.cell.push(values.cell);
    this.n.push(values.n);
    this.s.push(values.s);
    this.q.push(values.q);
  }

  block(): RollupBlock {
    const rows = this.n.length;
    const columns = [
      ...this.cohorts.columns(),
      named("feature", "LowCardinality(String)", this.feature.column()),
      named("category", "LowCardinality(String)", this.category.column()),
      uint32("grid", this.grid),
      uint32("cell", this.cell),
      uint32("n", this.n),
      float64("s", this.s),
      float64("q", this.q),
    ];
    return { rows, bytes: writeBlock({ rows, columns }) };
  }
}

class CohortColumns {
  private readonly model = new Dictionary();
  private readonly version = new Dictionary();
  private readonly segmentTag = new Dictionary();
  private readonly segmentValue = new Dictionary();
  private readonly time: number[] = [];

  push(cohort: Cohort): void {
    this.model.push(cohort.model);
    this.version.push(cohort.version);
    this.segmentTag.push(cohort.segmentTag);
    this.segmentValue.push(cohort.segmentValue);
    this.time.push(cohort.timeMs);
  }

  columns(): NamedColumn[] {
    const time = { kind: "time", values: Float64Array.from(this.time) } as const;
    return [
      named("model", "LowCardinality(String)", this.model.column()),
      named("version", "LowCardinality(String)", this.version.column()),
      named("segment_tag", "LowCardinality(String)", this.segmentTag.column()),
      named("segment_value", "LowCardinality(String)", this.segmentValue.column()),
      named("time", "DateTime64(3, 'UTC')", time),
    ];
  }
}

class Dictionary {
  private readonly numbers = new Map<string, number>();
  private readonly indexes: number[] = [];

  push(value: string): void {
    let number = this.numbers.get(value);
    if (number === undefined) {
      number = this.numbers.size;
      this.numbers.set(value, number);
    }
    this.indexes.push(number);
  }

  column(): DictionaryColumn {
    const indexes = Uint32Array.from(this.indexes);
    return { kind: "dictionary", keys: [...this.numbers.keys()], indexes };
  }
}

function named(name: string, type: NativeType, column: NamedColumn["column"]): NamedColumn {
  return { name, type, column };
}

function uint32(name: string, values: readonly number[]): NamedColumn {
  return named(name, "UInt32", { kind: "uint32", values: Uint32Array.from(values) });
}

function float64(name: string, values: readonly number[]): NamedColumn {
  return named(name, "Float64", { kind: "float64", values: Float64Array.from(values) });
}

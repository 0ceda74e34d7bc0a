/**
 * Counts and sums by (cohort, cell) for one group, in typed arrays, since every value of every row passes
 * through here. A cohort's feature begins in a shared hash table; once it has many values its common cells
 * move into a block of their own, side by side, which a cache holds.
 */
import { cellOf } from "../../stats/grid.ts";
import type { FeatureSlot } from "./feature-slots.ts";

const INITIAL_CAPACITY = 1 << 12;
const EMPTY = -1;
/** Values of one feature in one cohort after which its cells get a block. */
const BLOCK_AFTER = 1_024;
const BLOCK_CELLS = 512;
const FIELDS = 3;
/** Cells of a slot: the low bits of a key. */
const CELL_BITS = 16;

/** Cells are Int16; shifted they are not negative. */
export const CELL_OFFSET = 32_768;

/** Values of one feature within a block: that of the i-th row stands at `rows[i] * stride + start`. */
export interface ColumnOf<Values> {
  readonly values: Values;
  readonly start: number;
  readonly stride: number;
  readonly rows: Uint32Array;
}

/** `from` to before `to`, as places in `rows`. */
export interface RowSpan {
  readonly from: number;
  readonly to: number;
}

interface Block {
  /** Key of its first cell. */
  readonly from: number;
  /** Count, sum and sum of squares by cell. */
  readonly fields: Float64Array;
}

/** Stands where there is no block yet. */
const NO_BLOCK: Block = { from: 0, fields: new Float64Array(0) };

export type VisitCell = (cohort: number, cell: number, n: number, s: number, q: number) => void;

export class CellTable {
  private size = 0;
  private cohorts = new Int32Array(INITIAL_CAPACITY).fill(EMPTY);
  private cells = new Int32Array(INITIAL_CAPACITY);
  private fields = new Float64Array(INITIAL_CAPACITY * FIELDS);
  private mask = INITIAL_CAPACITY - 1;
  /** By cohort and slot: the values so far, or the block. */
  private readonly busy: (number | Block)[][] = [];

  /**
   * Counts one value; `value` must be finite, 0 for what has no sum. `cell` is the slot above its low 16
   * bits. Neither key may be negative.
   */
  add(cohort: number, cell: number, value: number): void {
    const slot = cell >>> CELL_BITS;
    let ofCohort = this.busy[cohort];
    if (ofCohort === undefined) {
      ofCohort = [];
      this.busy[cohort] = ofCohort;
    }
    const block = ofCohort[slot];
    if (typeof block === "object") {
      const at = cell - block.from;
      if (at >= 0 && at < BLOCK_CELLS) {
        const { fields } = block;
        fields[at * FIELDS]! += 1;
        fields[at * FIELDS + 1]! += value;
        fields[at * FIELDS + 2]! += value * value;
        return;
      }
    } else {
      const values = block ?? 0;
      if (values === BLOCK_AFTER) {
        ofCohort[slot] = this.moveToBlock(cohort, cell);
        this.add(cohort, cell, value);
        return;
      }
      ofCohort[slot] = values + 1;
    }
    this.addHashed(cohort, cell, value);
  }

  /**
   * Counts a column of numbers. Rows follow each other mostly in one cohort, whose block is then looked up once.
   * @param cohorts by row; those of −1 are not counted
   * @param isMissing a NaN is no value instead of a value of its own
   */
  addNumbers(
    cohorts: Int32Array,
    { slot, center, invScale }: FeatureSlot,
    { values, start, stride, rows }: ColumnOf<Float64Array>,
    { from, to }: RowSpan,
    isMissing: boolean,
  ): void {
    const base = (slot << CELL_BITS) | CELL_OFFSET;
    let last = EMPTY;
    let { fields, from: first } = NO_BLOCK;
    for (let i = from; i < to; i++) {
      const cohort = cohorts[i]!;
      if (cohort < 0) continue;
      const value = values[rows[i]! * stride + start]!;
      if (isMissing && value !== value) continue;
      if (cohort !== last) {
        last = cohort;
        ({ fields, from: first } = this.blockOf(cohort, slot));
      }
      const cell = base + cellOf(value, center, invScale);
      const finite = value - value === 0 ? value : 0;
      const at = (cell - first) * FIELDS;
      if (at >= 0 && at < fields.length) {
        fields[at]! += 1;
        fields[at + 1]! += finite;
        fields[at + 2]! += finite * finite;
      } else {
        this.add(cohort, cell, finite);
        if (fields.length === 0) ({ fields, from: first } = this.blockOf(cohort, slot));
      }
    }
  }

  /** Counts a column of categories, whose cells are `cellByValue[index]`, the slot among them. */
  addCategories(
    cohorts: Int32Array,
    slot: number,
    { values, start, stride, rows }: ColumnOf<ArrayLike<number>>,
    { from, to }: RowSpan,
    cellByValue: Int32Array,
  ): void {
    let last = EMPTY;
    let { fields, from: first } = NO_BLOCK;
    for (let i = from; i < to; i++) {
      const cohort = cohorts[i]!;
      if (cohort < 0) continue;
      if (cohort !== last) {
        last = cohort;
        ({ fields, from: first } = this.blockOf(cohort, slot));
      }
      const cell = cellByValue[values[rows[i]! * stride + start]!]!;
      const at = (cell - first) * FIELDS;
      if (at >= 0 && at < fields.length) {
        fields[at]! += 1;
      } else {
        this.add(cohort, cell, 0);
        if (fields.length === 0) ({ fields, from: first } = this.blockOf(cohort, slot));
      }
    }
  }

  private blockOf(cohort: number, slot: number): Block {
    const block = this.busy[cohort]?.[slot];
    return typeof block === "object" ? block : NO_BLOCK;
  }

  /** Every cell with its counts. */
  visit(see: VisitCell): void {
    for (let i = 0; i < this.cohorts.length; i++) {
      const n = this.fields[i * FIELDS]!;
      // 0: never used, or moved to a block.
      if (n === 0) continue;
      const [, s, q] = this.fields.subarray(i * FIELDS, i * FIELDS + FIELDS);
      see(this.cohorts[i]!, this.cells[i]!, n, s!, q!);
    }
    for (const [cohort, slots] of this.busy.entries()) {
      for (const block of slots ?? []) {
        if (typeof block !== "object") continue;
        for (let at = 0; at < BLOCK_CELLS; at++) {
          const n = block.fields[at * FIELDS]!;
          if (n === 0) continue;
          const [, s, q] = block.fields.subarray(at * FIELDS, at * FIELDS + FIELDS);
          see(cohort, block.from + at, n, s!, q!);
        }
      }
    }
  }

  /** A block around the cell, within the cells of its slot, with what the table has of them. */
  private moveToBlock(cohort: number, cell: number): Block {
    const first = cell & ~((1 << CELL_BITS) - 1);
    const last = first + (1 << CELL_BITS) - BLOCK_CELLS;
    // Values on a learnt grid lie around its centre, whichever of them came now.
    const centre = first + CELL_OFFSET;
    const middle = Math.abs(cell - centre) < BLOCK_CELLS / 2 ? centre : cell;
    const from = Math.min(Math.max(middle - BLOCK_CELLS / 2, first), last);
    const fields = new Float64Array(BLOCK_CELLS * FIELDS);
    for (let i = 0; i < BLOCK_CELLS; i++) {
      const at = this.placeOf(cohort, from + i);
      if (this.cohorts[at] === EMPTY) continue;
      fields.set(this.fields.subarray(at * FIELDS, at * FIELDS + FIELDS), i * FIELDS);
      this.fields.fill(0, at * FIELDS, at * FIELDS + FIELDS);
    }
    return { from, fields };
  }

  private addHashed(cohort: number, cell: number, value: number): void {
    let at = this.placeOf(cohort, cell);
    if (this.cohorts[at] === EMPTY) {
      this.cohorts[at] = cohort;
      this.cells[at] = cell;
      if (++this.size * 2 > this.mask) {
        this.grow();
        at = this.placeOf(cohort, cell);
      }
    }
    this.fields[at * FIELDS]! += 1;
    this.fields[at * FIELDS + 1]! += value;
    this.fields[at * FIELDS + 2]! += value * value;
  }

  /** Where the key is, or where it belongs. */
  private placeOf(cohort: number, cell: number): number {
    let at = hash(cohort, cell) & this.mask;
    while (this.cohorts[at] !== EMPTY && (this.cohorts[at] !== cohort || this.cells[at] !== cell)) {
      at = (at + 1) & this.mask;
    }
    return at;
  }

  private grow(): void {
    const { cohorts, cells, fields } = this;
    const capacity = cohorts.length * 2;
    this.mask = capacity - 1;
    this.cohorts = new Int32Array(capacity).fill(EMPTY);
    this.cells = new Int32Array(capacity);
    this.fields = new Float64Array(capacity * FIELDS);
    for (let i = 0; i < cohorts.length; i++) {
      if (cohorts[i] === EMPTY) continue;
      const at = this.placeOf(cohorts[i]!, cells[i]!);
      this.cohorts[at] = cohorts[i]!;
      this.cells[at] = cells[i]!;
      for (let f = 0; f < FIELDS; f++) this.fields[at * FIELDS + f] = fields[i * FIELDS + f]!;
    }
  }
}

function hash(cohort: number, cell: number): number {
  const mixed = Math.imul(cohort, 0x9e3779b1) ^ Math.imul(cell, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

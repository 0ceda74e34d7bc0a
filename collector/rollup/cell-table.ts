/**
 * Counts and sums by (cohort, cell) for one group: an open-addressing hash table in typed arrays, since
 * every value of every row passes through `add`. No object per value, nothing freed but with the table.
 */

const INITIAL_CAPACITY = 1 << 12;
const EMPTY = -1;

export class CellTable {
  size = 0;
  /** Parallel columns; an entry is used when `cohorts[i]` is not negative. */
  cohorts: Int32Array;
  cells: Int32Array;
  counts: Float64Array;
  sums: Float64Array;
  squares: Float64Array;
  private mask: number;

  constructor() {
    this.mask = INITIAL_CAPACITY - 1;
    this.cohorts = new Int32Array(INITIAL_CAPACITY).fill(EMPTY);
    this.cells = new Int32Array(INITIAL_CAPACITY);
    this.counts = new Float64Array(INITIAL_CAPACITY);
    this.sums = new Float64Array(INITIAL_CAPACITY);
    this.squares = new Float64Array(INITIAL_CAPACITY);
  }

  /** Counts one value; `value` must be finite, 0 for what has no sum. Neither key may be negative. */
  add(cohort: number, cell: number, value: number): void {
    let at = hash(cohort, cell) & this.mask;
    for (;;) {
      const holder = this.cohorts[at]!;
      if (holder === cohort && this.cells[at] === cell) break;
      if (holder === EMPTY) {
        this.cohorts[at] = cohort;
        this.cells[at] = cell;
        if (++this.size * 2 > this.mask) {
          this.grow();
          at = this.find(cohort, cell);
        }
        break;
      }
      at = (at + 1) & this.mask;
    }
    this.counts[at]! += 1;
    this.sums[at]! += value;
    this.squares[at]! += value * value;
  }

  private find(cohort: number, cell: number): number {
    let at = hash(cohort, cell) & this.mask;
    while (this.cohorts[at] !== cohort || this.cells[at] !== cell) at = (at + 1) & this.mask;
    return at;
  }

  private grow(): void {
    const { cohorts, cells, counts, sums, squares } = this;
    const capacity = cohorts.length * 2;
    this.mask = capacity - 1;
    this.cohorts = new Int32Array(capacity).fill(EMPTY);
    this.cells = new Int32Array(capacity);
    this.counts = new Float64Array(capacity);
    this.sums = new Float64Array(capacity);
    this.squares = new Float64Array(capacity);
    for (let i = 0; i < cohorts.length; i++) {
      if (cohorts[i] === EMPTY) continue;
      let at = hash(cohorts[i]!, cells[i]!) & this.mask;
      while (this.cohorts[at] !== EMPTY) at = (at + 1) & this.mask;
      this.cohorts[at] = cohorts[i]!;
      this.cells[at] = cells[i]!;
      this.counts[at] = counts[i]!;
      this.sums[at] = sums[i]!;
      this.squares[at] = squares[i]!;
    }
  }
}

function hash(cohort: number, cell: number): number {
  const mixed = Math.imul(cohort, 0x9e3779b1) ^ Math.imul(cell, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

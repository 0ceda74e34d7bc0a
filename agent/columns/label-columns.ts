/** The `labels` section of the frame that is being filled. */
import type { NamedColumn } from "../../contract/native-block.ts";
import { LABEL_COLUMNS, UNSAMPLED_COLUMN } from "../../contract/payload-blocks.ts";
import { DictionaryBuilder } from "./dictionary-builder.ts";
import { GrowableFloat64, GrowableUint32 } from "./growable.ts";
import type { Interner } from "./interner.ts";
import { StringBuilder } from "./string-builder.ts";

const ROW_BYTES = 54;

export class LabelColumns {
  readonly model: DictionaryBuilder;
  readonly id = new StringBuilder();
  readonly label: DictionaryBuilder;
  readonly value = new GrowableFloat64();
  /** Milliseconds; NaN where unknown. */
  readonly predictionTime = new GrowableFloat64();
  readonly time = new GrowableFloat64();
  readonly source: DictionaryBuilder;
  /** Whole numbers below 2^53. */
  readonly revision = new GrowableFloat64();
  /** 1: its prediction was left out of the sample. */
  readonly unsampled = new GrowableUint32();
  private readonly budget = { keys: 0, length: 0 };
  rows = 0;

  constructor(interner: Interner) {
    this.model = new DictionaryBuilder(interner, this.budget);
    this.label = new DictionaryBuilder(interner, this.budget);
    this.source = new DictionaryBuilder(interner, this.budget);
  }

  endRow(): void {
    this.rows++;
  }

  bytesBound(): number {
    const { keys, length } = this.budget;
    return this.rows * ROW_BYTES + this.id.bytes + length * 3 + keys * 5;
  }

  truncate(rows: number): void {
    for (const column of [this.model, this.id, this.label, this.source]) column.truncate(rows);
    for (const column of [this.value, this.predictionTime, this.time, this.revision]) {
      column.length = rows;
    }
    this.unsampled.length = rows;
    this.rows = rows;
  }

  finish(): NamedColumn[] {
    const columns = {
      model: this.model.finish(),
      id: this.id.finish(),
      label: this.label.finish(),
      value: { kind: "float64", values: this.value.view() },
      prediction_time: { kind: "nullable-time", values: this.predictionTime.view() },
      time: { kind: "time", values: this.time.view() },
      source: this.source.finish(),
      revision: { kind: "uint64", values: BigUint64Array.from(this.revision.view(), BigInt) },
    } as const;
    const named: NamedColumn[] = LABEL_COLUMNS.map(({ name, type }) => ({
      ...{ name, type },
      column: columns[name],
    }));
    const unsampled = this.unsampled.view();
    if (unsampled.every((is) => is === 0)) return named;
    return [...named, { ...UNSAMPLED_COLUMN, column: { kind: "uint32", values: unsampled } }];
  }

  reset(): void {
    this.truncate(0);
    for (const column of [this.model, this.label, this.source]) column.reset();
  }
}

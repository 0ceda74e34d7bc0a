/** The `predictions` section of the frame that is being filled. Rows are committed one by one, taken back by mark. */
import type { MapColumn, NamedColumn } from "../../contract/native-block.ts";
import { PREDICTION_COLUMNS, WEIGHT_COLUMN } from "../../contract/payload-blocks.ts";
import { DictionaryBuilder } from "./dictionary-builder.ts";
import { GrowableFloat64, GrowableUint32 } from "./growable.ts";
import type { Interner } from "./interner.ts";
import { StringBuilder } from "./string-builder.ts";

/** What a row takes in a block at most, without its map entries and texts. */
const ROW_BYTES = 94;
const NUMBER_ENTRY_BYTES = 12;
const TEXT_ENTRY_BYTES = 8;

export class PredictionColumns {
  readonly model: DictionaryBuilder;
  readonly version: DictionaryBuilder;
  readonly ts = new GrowableFloat64();
  readonly id = new StringBuilder();
  readonly numKeys: DictionaryBuilder;
  readonly numValues = new GrowableFloat64();
  readonly catKeys: DictionaryBuilder;
  readonly catValues: DictionaryBuilder;
  readonly tagKeys: DictionaryBuilder;
  readonly tagValues: DictionaryBuilder;
  readonly probabilityKeys: DictionaryBuilder;
  readonly probabilityValues = new GrowableFloat64();
  readonly label: DictionaryBuilder;
  readonly score = new GrowableFloat64();
  readonly value = new GrowableFloat64();
  readonly latency = new GrowableFloat64();
  readonly error: DictionaryBuilder;
  readonly weight = new GrowableFloat64();
  private readonly numEnds = new GrowableUint32();
  private readonly catEnds = new GrowableUint32();
  private readonly tagEnds = new GrowableUint32();
  private readonly probabilityEnds = new GrowableUint32();
  private readonly budget = { keys: 0, length: 0 };
  private readonly dictionaries: readonly DictionaryBuilder[];
  /** Complete rows. */
  rows = 0;
  /** How often it was reset: indexes in dictionaries from before mean nothing. */
  resets = 0;

  constructor(interner: Interner) {
    const dictionaries: DictionaryBuilder[] = [];
    const dictionary = (): DictionaryBuilder => {
      const builder = new DictionaryBuilder(interner, this.budget);
      dictionaries.push(builder);
      return builder;
    };
    this.model = dictionary();
    this.version = dictionary();
    this.numKeys = dictionary();
    this.catKeys = dictionary();
    this.catValues = dictionary();
    this.tagKeys = dictionary();
    this.tagValues = dictionary();
    this.probabilityKeys = dictionary();
    this.label = dictionary();
    this.error = dictionary();
    this.dictionaries = dictionaries;
  }

  /** Ends the row whose values were pushed. */
  endRow(): void {
    this.numEnds.push(this.numValues.length);
    this.catEnds.push(this.catValues.length);
    this.tagEnds.push(this.tagValues.length);
    this.probabilityEnds.push(this.probabilityValues.length);
    this.rows++;
  }

  /** An upper bound of the block's size. */
  bytesBound(): number {
    let bytes = this.rows * ROW_BYTES + this.id.bytes;
    bytes += (this.numValues.length + this.probabilityValues.length) * NUMBER_ENTRY_BYTES;
    bytes += (this.catValues.length + this.tagValues.length) * TEXT_ENTRY_BYTES;
    return bytes + this.budget.length * 3 + this.budget.keys * 5;
  }

  /** Characters of the last row: its id, names and texts, and eight for each number. */
  lastRowLength(): number {
    const row = this.rows - 1;
    const from = (ends: GrowableUint32): number => (row === 0 ? 0 : ends.at(row - 1));
    const [num, cat] = [from(this.numEnds), from(this.catEnds)];
    const [tag, probability] = [from(this.tagEnds), from(this.probabilityEnds)];
    const numbers = this.numValues.length - num + this.probabilityValues.length - probability;
    return (
      this.id.lengthOf(row) +
      this.numKeys.lengthFrom(num) +
      this.catKeys.lengthFrom(cat) +
      this.catValues.lengthFrom(cat) +
      this.tagKeys.lengthFrom(tag) +
      this.tagValues.lengthFrom(tag) +
      this.probabilityKeys.lengthFrom(probability) +
      numbers * 8
    );
  }

  /** Takes back all rows after the first `rows`. */
  truncate(rows: number): void {
    const endOf = (ends: GrowableUint32): number => (rows === 0 ? 0 : ends.at(rows - 1));
    const [num, cat] = [endOf(this.numEnds), endOf(this.catEnds)];
    const [tags, probabilities] = [endOf(this.tagEnds), endOf(this.probabilityEnds)];
    for (const column of [this.model, this.version, this.id, this.label, this.error]) {
      column.truncate(rows);
    }
    for (const column of [this.ts, this.score, this.value, this.latency, this.weight]) {
      column.length = rows;
    }
    for (const ends of [this.numEnds, this.catEnds, this.tagEnds, this.probabilityEnds]) {
      ends.length = rows;
    }
    this.numKeys.truncate(num);
    this.numValues.length = num;
    this.catKeys.truncate(cat);
    this.catValues.truncate(cat);
    this.tagKeys.truncate(tags);
    this.tagValues.truncate(tags);
    this.probabilityKeys.truncate(probabilities);
    this.probabilityValues.length = probabilities;
    this.rows = rows;
  }

  /** The columns of the block in their order; views that hold until the next change. */
  finish(): NamedColumn[] {
    const map = (
      ends: GrowableUint32,
      keys: DictionaryBuilder,
      values: MapColumn["values"],
    ): MapColumn => ({ kind: "map", ends: ends.view(), keys: keys.finish(), values });
    const columns = {
      model: this.model.finish(),
      version: this.version.finish(),
      ts: { kind: "time", values: this.ts.view() },
      id: this.id.finish(),
      num: map(this.numEnds, this.numKeys, { kind: "float64", values: this.numValues.view() }),
      cat: map(this.catEnds, this.catKeys, this.catValues.finish()),
      tags: map(this.tagEnds, this.tagKeys, this.tagValues.finish()),
      label: this.label.finish(),
      score: { kind: "float64", values: this.score.view() },
      value: { kind: "float64", values: this.value.view() },
      probabilities: map(this.probabilityEnds, this.probabilityKeys, {
        kind: "float32",
        values: Float32Array.from(this.probabilityValues.view()),
      }),
      latency: { kind: "float32", values: Float32Array.from(this.latency.view()) },
      error: this.error.finish(),
    } as const;
    const named: NamedColumn[] = PREDICTION_COLUMNS.map(({ name, type }) => ({
      ...{ name, type },
      column: columns[name],
    }));
    const weights = this.weight.view();
    // Collectors from before there was sampling take blocks without it.
    if (weights.every((weight) => weight === 1)) return named;
    const column = { kind: "float32", values: Float32Array.from(weights) } as const;
    return [...named, { ...WEIGHT_COLUMN, column }];
  }

  reset(): void {
    this.resets++;
    this.truncate(0);
    for (const dictionary of this.dictionaries) dictionary.reset();
  }
}

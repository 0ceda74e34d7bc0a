/** A LowCardinality column under construction: interned ids become indexes into the frame's own dictionary. */
import type { DictionaryColumn } from "../../contract/native-block.ts";
import { GrowableUint32 } from "./growable.ts";
import type { Interner } from "./interner.ts";

/** What the keys of several dictionaries take together. */
export interface KeyBudget {
  keys: number;
  /** UTF-16 length. */
  length: number;
}

export class DictionaryBuilder {
  private readonly interner: Interner;
  private readonly budget: KeyBudget;
  /** Interned id → index + 1. */
  private indexById = new Int32Array(1_024);
  private readonly ids = new GrowableUint32();
  private readonly indexes = new GrowableUint32();
  /** UTF-16 length of all keys: a bound for what the dictionary takes. */
  keyLength = 0;

  constructor(interner: Interner, budget: KeyBudget) {
    this.interner = interner;
    this.budget = budget;
  }

  get length(): number {
    return this.indexes.length;
  }

  set length(length: number) {
    this.indexes.length = length;
  }

  get keyCount(): number {
    return this.ids.length;
  }

  push(id: number): void {
    this.indexes.push(this.indexOf(id));
  }

  /** The index of a key, which holds until the next reset; it is added where it is new. */
  indexOf(id: number): number {
    const known = id < this.indexById.length ? this.indexById[id]! : 0;
    return known === 0 ? this.addKey(id) : known - 1;
  }

  /** A value by what `indexOf` answered for its key. */
  pushIndex(index: number): void {
    this.indexes.push(index);
  }

  /** Room for `count` more indexes behind `length`, which the caller then sets. */
  room(count: number): Uint32Array {
    return this.indexes.room(count);
  }

  /** UTF-16 length of the values from place `from` on. */
  lengthFrom(from: number): number {
    let length = 0;
    for (let i = from; i < this.indexes.length; i++) {
      length += this.interner.textOf(this.ids.at(this.indexes.at(i))).length;
    }
    return length;
  }

  /** Takes back values; keys stay, which costs only their bytes. */
  truncate(length: number): void {
    this.indexes.length = length;
  }

  /** Views that hold until the next change. */
  finish(): DictionaryColumn {
    const keys = Array.from(this.ids.view(), (id) => this.interner.textOf(id));
    return { kind: "dictionary", keys, indexes: this.indexes.view() };
  }

  reset(): void {
    this.budget.keys -= this.ids.length;
    this.budget.length -= this.keyLength;
    for (let i = 0; i < this.ids.length; i++) this.indexById[this.ids.at(i)] = 0;
    this.ids.length = 0;
    this.indexes.length = 0;
    this.keyLength = 0;
  }

  private addKey(id: number): number {
    if (id >= this.indexById.length) {
      const larger = new Int32Array(Math.max(this.indexById.length * 2, id + 1));
      larger.set(this.indexById);
      this.indexById = larger;
    }
    const index = this.ids.length;
    this.ids.push(id);
    this.indexById[id] = index + 1;
    const { length } = this.interner.textOf(id);
    this.keyLength += length;
    this.budget.keys++;
    this.budget.length += length;
    return index;
  }
}

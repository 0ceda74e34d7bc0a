/**
 * Maps of one model have the same keys in the same order, call after call: all that their numbers have in common is
 * copied at once, and the numbers are set into it.
 */
import type { KnownPairs, Value } from "./known-pairs.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";

export type Values = Readonly<Record<string, Value>>;

const NUMBER_BYTES = 8;
const NOTHING = 0;
const NUMBER = 1;
const TEXT = 2;

interface Slot {
  readonly key: string;
  readonly kind: typeof NOTHING | typeof NUMBER | typeof TEXT;
  /** Where a number stands in the bytes of its run. */
  readonly offset: number;
  /** Of the first of numbers that follow one another: all of them, as zeros. */
  run: Buffer | null;
}

/** The maps of one name, of one model. */
export class RepeatedMap {
  private readonly pairs: KnownPairs;
  private slots: readonly Slot[] = [];
  private missed = 0;

  constructor(pairs: KnownPairs) {
    this.pairs = pairs;
  }

  write(values: Values, out: ProtobufWriter): void {
    const start = out.at;
    if (this.writeAlike(values, out)) {
      this.missed = 0;
      return;
    }
    out.at = start;
    for (const key in values) this.pairs.write(out, key, values[key]);
    // One value that is missing for once is no new shape.
    if (++this.missed > 1) this.slots = slotsOf(values, this.pairs);
  }

  /** False, with something written, where keys or kinds are others than before. */
  private writeAlike(values: Values, out: ProtobufWriter): boolean {
    const { slots } = this;
    let next = 0;
    let run = 0;
    let { view } = out;
    for (const key in values) {
      const slot = slots[next++];
      const value = values[key];
      if (slot === undefined || slot.key !== key || slot.kind !== kindOf(value)) return false;
      if (typeof value === "number") {
        if (slot.run !== null) {
          run = out.at;
          out.copy(slot.run);
          view = out.view;
        }
        view.setFloat64(run + slot.offset, value, true);
      } else if (value !== null && value !== undefined) {
        out.copy(this.pairs.pair(key, value));
      }
    }
    return next === slots.length;
  }
}

function kindOf(value: Value): Slot["kind"] {
  if (typeof value === "number") return NUMBER;
  return value === null || value === undefined ? NOTHING : TEXT;
}

function slotsOf(values: Values, pairs: KnownPairs): Slot[] {
  const slots: Slot[] = [];
  let first: Slot | null = null;
  for (const [key, value] of Object.entries(values)) {
    const kind = kindOf(value);
    if (kind !== NUMBER) {
      first = null;
      slots.push({ key, kind, offset: 0, run: null });
      continue;
    }
    const before: Buffer = first?.run ?? Buffer.alloc(0);
    const head = pairs.head(key);
    const slot: Slot = { key, kind, offset: before.length + head.length, run: null };
    slots.push(slot);
    first ??= slot;
    first.run = Buffer.concat([before, head, Buffer.alloc(NUMBER_BYTES)]);
  }
  return slots;
}

/**
 * Maps of one model have the same keys in the same order, call after call: what their numbers have in common is copied
 * in runs, and the numbers are set into it. A value that is missing, or of another kind for once, costs its own pair and
 * the rest of its run.
 */
import type { KnownPairs, Value } from "./known-pairs.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";

export type Values = Readonly<Record<string, Value>>;

const NUMBER_BYTES = 8;
/** Numbers of a run: what is copied again where one of them is missing. */
const RUN_MAX = 32;
/** Maps of other keys, one after the other, before the template follows them: at first, and at most. */
const PATIENCE_MIN = 2;
const PATIENCE_MAX = 64;

/** Numbers that follow one another, as zeros. */
interface Run {
  bytes: Buffer;
}

interface Slot {
  readonly key: string;
  /** Null for what was no number. */
  readonly run: Run | null;
  /** Where its pair begins in the run, and its number. */
  readonly start: number;
  readonly number: number;
}

/** The maps of one name, of one model. */
export class RepeatedMap {
  private readonly pairs: KnownPairs;
  private slots: readonly Slot[] = [];
  private missed = 0;
  private patience = PATIENCE_MIN;

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
    if (++this.missed < this.patience) return;
    this.missed = 0;
    // Where keys change all the time, to follow them costs more than it saves.
    this.patience = Math.min(2 * this.patience, PATIENCE_MAX);
    this.slots = slotsOf(values, this.pairs);
  }

  /** False, with something written, where the keys are others than before. */
  private writeAlike(values: Values, out: ProtobufWriter): boolean {
    const { slots, pairs } = this;
    let next = 0;
    /** The run that stands in the output, and where its first byte does, or would. */
    let run: Run | null = null;
    let base = 0;
    let { view } = out;
    for (const key in values) {
      const slot = slots[next++];
      if (slot === undefined || slot.key !== key) return false;
      const value = values[key];
      const { run: own, start } = slot;
      if (own !== null && typeof value === "number") {
        if (own !== run) {
          run = own;
          base = out.at - start;
          out.copy(start === 0 ? own.bytes : own.bytes.subarray(start));
          ({ view } = out);
        }
        view.setFloat64(base + slot.number, value, true);
        continue;
      }
      // What was copied of its run from here on is not to stand there.
      if (own !== null && own === run) out.at = base + start;
      run = null;
      pairs.write(out, key, value);
    }
    return next === slots.length;
  }
}

function slotsOf(values: Values, pairs: KnownPairs): Slot[] {
  const slots: Slot[] = [];
  let run: Run = { bytes: Buffer.alloc(0) };
  let parts: Buffer[] = [];
  let length = 0;
  const endRun = (): void => {
    run.bytes = Buffer.concat(parts, length);
    run = { bytes: Buffer.alloc(0) };
    parts = [];
    length = 0;
  };
  for (const [key, value] of Object.entries(values)) {
    if (typeof value !== "number") {
      endRun();
      slots.push({ key, run: null, start: 0, number: 0 });
      continue;
    }
    if (parts.length === 2 * RUN_MAX) endRun();
    const head = pairs.head(key);
    slots.push({ key, run, start: length, number: length + head.length });
    parts.push(head, Buffer.alloc(NUMBER_BYTES));
    length += head.length + NUMBER_BYTES;
  }
  endRun();
  return slots;
}

/**
 * The names that the features of each model may have: those that its document declares, then the first so many that
 * come. A sender that makes up a name for each value (an id, a time) would fill every dictionary and rollup with them;
 * beyond the limit a name is not stored, and counted.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { Interner } from "./interner.ts";

interface ModelNames {
  readonly names: Set<string>;
  /** One bit for each interned id that is known to be one of the names. */
  bits: Uint32Array;
  /** Of the interner's ids. */
  generation: number;
  isOver: boolean;
  declared: readonly string[];
}

const WORDS = 64;

export class FeatureNames {
  private readonly interner: Interner;
  private readonly models = new Map<string, ModelNames>();
  private open: ModelNames;
  private total = 0;

  constructor(interner: Interner) {
    this.interner = interner;
    this.open = this.ofModel("");
  }

  /** The model whose features come next; `declared` are the names that its document knows, beside the first ones. */
  begin(model: string, declared: readonly string[]): void {
    this.open = this.models.get(model) ?? this.ofModel(model);
    const { open } = this;
    if (open.declared !== declared) {
      for (const name of declared) open.names.add(name);
      open.declared = declared;
    }
    const { generation } = this.interner;
    if (open.generation === generation) return;
    open.generation = generation;
    open.bits.fill(0);
  }

  /** Whether the open model's features may have the name with this interned id. */
  admits(id: number): boolean {
    const { bits } = this.open;
    return ((bits[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0 || this.admitNew(id);
  }

  /** Models that sent more names than there is room for. */
  get over(): readonly string[] {
    return [...this.models].filter(([, { isOver }]) => isOver).map(([model]) => model);
  }

  private admitNew(id: number): boolean {
    const { open } = this;
    const name = this.interner.textOf(id);
    if (!open.names.has(name)) {
      if (open.names.size >= LIMITS.featuresPerModelMax) {
        open.isOver = true;
        return false;
      }
      open.names.add(name);
      this.total++;
    }
    const word = id >>> 5;
    if (word >= open.bits.length) {
      const larger = new Uint32Array(Math.max(open.bits.length * 2, word + 1));
      larger.set(open.bits);
      open.bits = larger;
    }
    open.bits[word]! |= 1 << (id & 31);
    return true;
  }

  private ofModel(model: string): ModelNames {
    if (this.total >= LIMITS.featureNamesMax) {
      this.models.clear();
      this.total = 0;
    }
    const bits = new Uint32Array(WORDS);
    const made = { names: new Set<string>(), bits, generation: -1, isOver: false, declared: [] };
    this.models.set(model, made);
    this.total++;
    return made;
  }
}

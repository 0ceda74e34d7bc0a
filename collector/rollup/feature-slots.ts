/**
 * The features of one model within one group, numbered as they appear, each with the grid that is pinned
 * for the group. Numeric and categorical features of one name are two slots.
 */
import { crc32 } from "node:zlib";
import { LIMITS } from "../../contract/limits.ts";

export type FeatureGrid =
  | {
      readonly kind: "numeric";
      readonly grid: number;
      readonly center: number;
      readonly invScale: number;
    }
  | { readonly kind: "categorical"; readonly grid: number; readonly categories: readonly string[] };

/** By feature name. */
export type GridSet = ReadonlyMap<string, FeatureGrid>;

export const SCORE_FEATURE = "$score";
export const VALUE_FEATURE = "$value";
export const LATENCY_FEATURE = "$latency";

/** The grid of every model's scores: never learnt, so that versions compare. */
const SCORE_GRID = { kind: "numeric", grid: 1, center: 0.5, invScale: 1 } as const;
const NO_NUMERIC_GRID = { kind: "numeric", grid: 0, center: 0, invScale: 0 } as const;
const OTHER_PREFIX = "~other/";

export interface FeatureSlot {
  readonly slot: number;
  readonly feature: string;
  readonly kind: "numeric" | "categorical";
  readonly grid: number;
  readonly center: number;
  readonly invScale: number;
  /** Names of the category cells, for categorical slots. */
  readonly categories: string[];
  readonly categoryNumbers: Map<string, number>;
  readonly knownCategories: ReadonlySet<string>;
}

export class FeatureSlots {
  readonly slots: FeatureSlot[] = [];
  private readonly byName = {
    numeric: new Map<string, FeatureSlot>(),
    categorical: new Map<string, FeatureSlot>(),
  };
  private readonly grids: GridSet;

  constructor(grids: GridSet) {
    this.grids = grids;
    // What is known has its slot even when no row carries it: then it is missing.
    for (const [feature, grid] of grids) {
      if (!feature.startsWith("$")) this.slotOf(feature, grid.kind);
    }
  }

  /** Null when the model has more features than are counted. */
  slotOf(feature: string, kind: "numeric" | "categorical"): FeatureSlot | null {
    const known = this.byName[kind].get(feature);
    if (known !== undefined) return known;
    if (this.slots.length >= LIMITS.rollupSlotsMax) return null;
    const grid = this.gridOf(feature, kind);
    const slot: FeatureSlot = {
      slot: this.slots.length,
      feature,
      kind,
      grid: grid.grid,
      center: grid.kind === "numeric" ? grid.center : 0,
      invScale: grid.kind === "numeric" ? grid.invScale : 0,
      categories: [],
      categoryNumbers: new Map(),
      knownCategories: new Set(grid.kind === "categorical" ? grid.categories : []),
    };
    this.slots.push(slot);
    this.byName[kind].set(feature, slot);
    return slot;
  }

  /** Features that every row should carry. */
  expected(): readonly FeatureSlot[] {
    return this.slots.filter((slot) => {
      const grid = this.grids.get(slot.feature);
      return !slot.feature.startsWith("$") && grid !== undefined && grid.kind === slot.kind;
    });
  }

  private gridOf(feature: string, kind: "numeric" | "categorical"): FeatureGrid {
    if (feature === SCORE_FEATURE) return SCORE_GRID;
    const grid = this.grids.get(feature);
    if (grid !== undefined && grid.kind === kind) return grid;
    return kind === "numeric" ? NO_NUMERIC_GRID : { kind: "categorical", grid: 0, categories: [] };
  }
}

/** The number of a category's cell within its slot: a known category has its own, others share 256. */
export function categoryNumber(slot: FeatureSlot, category: string): number {
  const name = slot.knownCategories.has(category) ? category : overflowCategory(category);
  const known = slot.categoryNumbers.get(name);
  if (known !== undefined) return known;
  const number = slot.categories.length;
  slot.categories.push(name);
  slot.categoryNumbers.set(name, number);
  return number;
}

/** `~other/<0-255>`: CRC-32 of the category's UTF-8 modulo 256, as SQL's `CRC32(category) % 256`. */
export function overflowCategory(category: string): string {
  return `${OTHER_PREFIX}${crc32(category) % LIMITS.categoryOverflowCells}`;
}

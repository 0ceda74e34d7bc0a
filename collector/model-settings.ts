/** What the collector must know of a model to roll it up: grain, declared segments, grids. */
import type { GridSet } from "./rollup/feature-slots.ts";

export const GRAINS_MS = { "1m": 60_000, "1h": 3_600_000, "1d": 86_400_000 } as const;
export type Grain = keyof typeof GRAINS_MS;

export interface ModelSettings {
  readonly grain: Grain;
  /** At most two tags. */
  readonly segments: readonly string[];
  /** Largest number among the grids. */
  readonly gridNumber: number;
  readonly grids: GridSet;
}

export const DEFAULT_MODEL_SETTINGS: ModelSettings = {
  grain: "1m",
  segments: [],
  gridNumber: 0,
  grids: new Map(),
};

/** Name under which all values of a declared tag beyond the first fifty are counted. */
export const OTHER_SEGMENT_VALUE = "~other";

/** The values of declared tags that have rollups of their own. */
export interface SegmentValues {
  isKnown(model: string, tag: string, value: string): boolean;
}

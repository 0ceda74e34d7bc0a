/**
 * The inputs of a span by feature and segment: from the rollups, or from raw rows where asked or where the
 * rollups were counted on another grid (the first hours of a model, a lagging collector).
 */
import type { Store } from "../../store/client.ts";
import { type RollupTier, featureCells } from "../../store/queries/feature-cells.ts";
import { rawCells } from "../../store/queries/raw-cells.ts";
import { type FeatureGrid, type WindowSet, readWindows } from "./feature-window.ts";

export interface Span {
  readonly model: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Empty: all declared segments and all rows; `""` among them: all rows. */
  readonly tags: readonly string[];
  /** Empty: all versions. */
  readonly version: string;
}

export async function readSpan(
  span: Span,
  grids: ReadonlyMap<string, FeatureGrid>,
  store: Store,
  how: { readonly tier?: RollupTier; readonly exact?: boolean } = {},
): Promise<WindowSet> {
  if (how.exact !== true) {
    const params = { ...span, tags: [...span.tags], features: [] };
    const answer = await store.query(featureCells[how.tier ?? "days"], params);
    const { windows, foreignRows } = readWindows(answer, grids);
    if (foreignRows === 0) return inputsOf(windows);
  }
  return inputsOf(await readRaw(span, grids, store));
}

async function readRaw(
  span: Span,
  grids: ReadonlyMap<string, FeatureGrid>,
  store: Store,
): Promise<WindowSet> {
  const answer = await store.query(rawCells, {
    ...span,
    tags: span.tags.filter((tag) => tag !== ""),
    ...rawCellsParams(grids),
  });
  // Categories are told by name: raw ones need no grid.
  const known = new Map([...grids].filter(([, { kind }]) => kind === "numeric"));
  return readWindows(answer, known).windows;
}

/** The grids of the model's inputs as `rawCells` takes them. */
export function rawCellsParams(grids: ReadonlyMap<string, FeatureGrid>) {
  const inputs = [...grids].filter(([feature]) => !feature.startsWith("$"));
  const numeric = inputs.filter(([, { kind }]) => kind === "numeric");
  const categorical = inputs.filter(([, { kind }]) => kind === "categorical");
  return {
    numeric: numeric.map(([feature]) => feature),
    grids: numeric.map(([, { grid }]) => grid),
    centers: numeric.map(([, { scale }]) => scale.center),
    invScales: numeric.map(([, { scale }]) => scale.invScale),
    categorical: categorical.map(([feature]) => feature),
  };
}

/** Features of the model's input, without what it answered. */
const inputsOf = (windows: WindowSet): WindowSet =>
  new Map([...windows].filter(([feature]) => !feature.startsWith("$")));

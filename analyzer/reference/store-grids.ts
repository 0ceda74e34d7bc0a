/** Grids of a model in the store: numbers grow per model, and rows of one change are one INSERT. */
import type { Clock } from "../../runtime/clock.ts";
import type { Store } from "../../store/client.ts";
import { gridsOfModel } from "../../store/queries/references.ts";
import type { FeatureGrid } from "../features/feature-window.ts";

/** Grids by feature, the newest of each. */
export async function readGrids(
  model: string,
  store: Store,
): Promise<ReadonlyMap<string, FeatureGrid>> {
  const rows = await store.query(gridsOfModel, { model });
  return new Map(
    rows.map((row) => [
      row.feature,
      {
        kind: row.kind,
        grid: row.grid,
        scale: { center: row.center, invScale: row.inv_scale },
        categories: row.categories,
      },
    ]),
  );
}

export async function nextGridNumber(model: string, store: Store): Promise<number> {
  const grids = await readGrids(model, store);
  return Math.max(0, ...[...grids.values()].map(({ grid }) => grid)) + 1;
}

export async function storeGrids(
  model: string,
  grids: ReadonlyMap<string, FeatureGrid>,
  deps: { readonly store: Store; readonly clock: Clock },
): Promise<void> {
  const created = deps.clock.nowMs();
  const rows = [...grids].map(([feature, { kind, grid, scale, categories }]) => ({
    ...{ model, feature, grid, kind, center: scale.center, inv_scale: scale.invScale },
    ...{ categories: [...categories], created },
  }));
  const grid = rows[0]?.grid ?? 0;
  await deps.store.insert("feature_grids", rows, { token: `grids/${model}/${grid}/${created}` });
}

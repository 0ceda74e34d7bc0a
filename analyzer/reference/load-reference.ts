/** A model's reference from the store, ready to compare with: histograms, segments, dependence. */
import type { z } from "zod";
import { INDEPENDENT_ROWS } from "../../stats/index.ts";
import type { Store } from "../../store/client.ts";
import { modelReferences, referenceCells } from "../../store/queries/references.ts";
import { type FeatureReference, histogramOf } from "../features/feature-reference.ts";
import { ALL_ROWS, type FeatureGrid, readWindows } from "../features/feature-window.ts";
import { ReferenceDetail } from "./reference-detail.ts";

export interface ModelReference {
  readonly name: string;
  readonly source: string;
  readonly rows: number;
  /** Share of positives among its labelled rows; NaN without labels. */
  readonly positiveShare: number;
  readonly features: ReadonlyMap<string, FeatureReference>;
}

/** The newest reference of the model, or the one named; null when there is none. */
export async function loadReference(
  model: string,
  grids: ReadonlyMap<string, FeatureGrid>,
  store: Store,
  name?: string,
): Promise<ModelReference | null> {
  const row = await findReference(model, store, name);
  return row === null ? null : buildReference(model, row, grids, store);
}

type ReferenceRow = z.output<typeof modelReferences.row>;

export async function findReference(
  model: string,
  store: Store,
  name?: string,
): Promise<ReferenceRow | null> {
  const known = await store.query(modelReferences, { model });
  const row = name === undefined ? known[0] : known.find(({ reference }) => reference === name);
  return row ?? null;
}

export async function buildReference(
  model: string,
  row: ReferenceRow,
  grids: ReadonlyMap<string, FeatureGrid>,
  store: Store,
): Promise<ModelReference> {
  const detail = ReferenceDetail.parse(row.detail);
  const cells = await store.query(referenceCells, { model, reference: row.reference });
  const { windows } = readWindows(cells, grids);
  const features = new Map<string, FeatureReference>();
  for (const [feature, segments] of windows) {
    const whole = segments.get(ALL_ROWS);
    const histogram = whole === undefined ? null : histogramOf(whole);
    if (histogram === null) continue;
    const effect = detail.effects[feature] ?? INDEPENDENT_ROWS;
    features.set(feature, { feature, histogram, segments, effect, blocks: detail.blocks });
  }
  return {
    name: row.reference,
    source: row.source,
    rows: row.rows,
    positiveShare: row.labelled === 0 ? Number.NaN : row.positives / row.labelled,
    features,
  };
}

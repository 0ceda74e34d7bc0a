/**
 * References as the routes need them, kept from one question to the next: what a page asks for every minute
 * must not read and lay out thousands of cells each time. Invariant: a reference is built anew when a newer
 * revision of it, or another grid of a feature, is stored.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { Store } from "../../store/client.ts";
import type { FeatureGrid } from "../features/feature-window.ts";
import { type ModelReference, buildReference, findReference } from "./load-reference.ts";

export class ReferenceCache {
  /** The one used last stands last. */
  private readonly kept = new Map<string, Promise<ModelReference>>();

  /** As `loadReference`. */
  async load(
    model: string,
    grids: ReadonlyMap<string, FeatureGrid>,
    store: Store,
    name?: string,
  ): Promise<ModelReference | null> {
    const row = await findReference(model, store, name);
    if (row === null) return null;
    const counted = [...grids].map(([feature, { grid }]) => `${feature}=${grid}`).sort();
    const key = JSON.stringify([model, row.reference, row.revision, counted]);
    const reference = this.kept.get(key) ?? buildReference(model, row, grids, store);
    this.kept.delete(key);
    this.kept.set(key, reference);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= LIMITS.referencesKeptMax) break;
      this.kept.delete(oldest);
    }
    try {
      return await reference;
    } catch (error) {
      this.kept.delete(key);
      throw error;
    }
  }
}

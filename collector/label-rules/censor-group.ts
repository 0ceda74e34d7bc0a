/** Predictions of a group whose outcome is never seen, noted before the group counts as stored. */
import { censorGroup } from "../../store/queries/label-rules.ts";
import type { GroupManifest } from "../group-manifest.ts";
import { type Ownership, shardMarker } from "../group-store.ts";
import type { ShardDeps } from "../shard-worker.ts";

export async function censorPredictions(
  manifest: GroupManifest,
  owner: Ownership,
  { store, book }: Pick<ShardDeps, "store" | "book">,
): Promise<void> {
  if (manifest.predictions === 0) return;
  const { n, from } = manifest;
  for (const model of manifest.models) {
    const censored = book.labelRules().get(model)?.censored ?? null;
    if (censored === null) continue;
    const segments = [...book.settingsOf(model).segments];
    await store.command(
      censorGroup(censored.condition),
      { ...owner, n, model, from, to: manifest.to + 1, segments },
      { marker: shardMarker(owner.shard) },
    );
  }
}

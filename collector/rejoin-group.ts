/** Writes the outcomes of a group again, from tables alone: whatever its owner had come to. */
import { joinPredictionsOfGroup, predictionTimesOfGroup } from "../store/queries/outcomes.ts";
import { labelModelsOfGroup } from "../store/queries/group-data.ts";
import type { GroupManifest } from "./group-manifest.ts";
import { type Ownership, shardMarker } from "./group-store.ts";
import { censorPredictions } from "./label-rules/censor-group.ts";
import { type OutcomeDeps, joinLabels } from "./outcomes.ts";
import type { ShardDeps } from "./shard-worker.ts";
import { WaitingLabels } from "./waiting-labels.ts";

export async function rejoinGroup(
  manifest: GroupManifest,
  owner: Ownership,
  deps: ShardDeps,
): Promise<void> {
  const { n } = manifest;
  await deps.book.ensureAll(manifest.models);
  await censorPredictions(manifest, owner, deps);
  if (manifest.predictions > 0) {
    await deps.store.command(
      joinPredictionsOfGroup,
      { ...owner, n, from: manifest.from, to: manifest.to, segments: manifest.segments },
      { marker: shardMarker(owner.shard) },
    );
  }
  if (manifest.labels === 0) return;
  const { labels_from: from, labels_to: to } = manifest;
  const rows = await deps.store.query(labelModelsOfGroup, { shard: owner.shard, n, from, to });
  const models = rows.map(({ model }) => model);
  await deps.book.ensureAll([...models]);
  const outcomes: OutcomeDeps = {
    store: deps.store,
    clock: deps.clock,
    // Those that wait are read from the table afterwards.
    waiting: new WaitingLabels(),
    segmentsOf: (model) => deps.book.settingsOf(model).segments,
  };
  const [times] = await deps.store.query(predictionTimesOfGroup, {
    shard: owner.shard,
    n,
    models,
    labelsFrom: from,
    labelsTo: to,
  });
  const predicted =
    times === undefined || times.from === null || times.to === null
      ? null
      : { from: times.from, to: times.to };
  await joinLabels(outcomes, owner, { manifest, models, predicted });
}

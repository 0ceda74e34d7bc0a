/** The columns of a model's data sets: what the document names, or what the model sent where it names none. */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { RESERVED_COLUMNS } from "../../contract/trainer.ts";
import type { Store } from "../../store/client.ts";
import { type RowColumns, featureNames } from "../../store/queries/training-rows.ts";

const LOOK_BACK_MS = 86_400_000;

/** @throws {DriftmendError} dataset_columns_unfit */
export async function modelColumns(
  document: OnboardingDocument,
  atMs: number,
  store: Store,
): Promise<RowColumns> {
  const target = document.task.type === "regression" ? "value" : "label";
  const named = Object.entries(document.features);
  const features =
    named.length > 0
      ? named.map(([name, { type }]) => ({
          name,
          kind: type === "numeric" ? ("numeric" as const) : ("categorical" as const),
        }))
      : await seenFeatures(document.metadata.name, atMs, store);
  const names = new Set(features.map(({ name }) => name));
  for (const reserved of RESERVED_COLUMNS) {
    if (names.has(reserved)) throw collision(reserved);
  }
  // A tag that is called like a feature is that feature's column already.
  const tags = document.segments.filter((tag) => !names.has(tag));
  return { features, tags, target };
}

async function seenFeatures(
  model: string,
  atMs: number,
  store: Store,
): Promise<RowColumns["features"]> {
  const span = { model, fromMs: atMs - LOOK_BACK_MS, toMs: atMs };
  const [seen] = await store.query(featureNames, span);
  return [
    ...(seen?.numeric ?? []).map((name) => ({ name, kind: "numeric" as const })),
    ...(seen?.categorical ?? []).map((name) => ({ name, kind: "categorical" as const })),
  ];
}

function collision(name: string): DriftmendError {
  return new DriftmendError("dataset_columns_unfit", {
    retry: "never",
    message: `Cannot make columns of a data set from these features: "${name}" is a column of its own`,
    next: "Rename the feature in the mapping; docs/trainer.md lists the columns that are taken.",
  });
}

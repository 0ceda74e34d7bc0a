/** What the system knows of a model before its load: its document, and the grids of its features. */
import type { OnboardingDocumentInput } from "../../contract/onboarding-document.ts";
import type { Store } from "../../store/client.ts";

export interface DescribedModel {
  readonly model: string;
  readonly rollup: "1m" | "1h" | "1d";
  readonly segments: readonly string[];
  readonly numeric: readonly {
    readonly feature: string;
    readonly center: number;
    readonly scale: number;
  }[];
  readonly categorical: readonly {
    readonly feature: string;
    readonly categories: readonly string[];
  }[];
}

export async function describeModel(store: Store, described: DescribedModel): Promise<void> {
  const { model, rollup, segments } = described;
  const document: OnboardingDocumentInput = {
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: model },
    task: { type: "binary", positive: "late" },
    segments: [...segments],
    rollup,
  };
  const common = { model, status: "active", by: "bench", detail: "" };
  const text = JSON.stringify(document);
  await store.insert("models", [{ ...common, document: text, updated: 0, revision: 1 }]);
  const grid = { model, grid: 1, created: 0 };
  await store.insert("feature_grids", [
    ...described.numeric.map(({ feature, center, scale }) => {
      return { ...grid, feature, kind: "numeric", center, inv_scale: 1 / scale, categories: [] };
    }),
    ...described.categorical.map(({ feature, categories }) => {
      return { ...grid, feature, kind: "categorical", center: 0, inv_scale: 0, categories };
    }),
  ]);
}

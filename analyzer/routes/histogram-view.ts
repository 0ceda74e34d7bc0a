/** A feature's reference and window on the same cells, as a person looks at them: bins with their borders, categories by name. */
import type { HistogramView } from "../../contract/views.ts";
import type { JudgedDrift } from "../drift/judge-drift.ts";
import type { FeatureReference } from "../features/feature-reference.ts";
import { finite } from "./route-deps.ts";

/** Cells that neither side has rows in are left out: open tails, other categories, missing values. */
export function histogramView(reference: FeatureReference, judged: JudgedDrift): HistogramView {
  const { histogram } = reference;
  const cells = histogram.kind === "numeric" ? binCells(histogram.edges) : namedCells(histogram);
  const counted = cells.map((cell, i) => ({
    cell,
    reference: judged.referenceCounts[i] ?? 0,
    current: judged.current[i] ?? 0,
  }));
  const kept = counted.filter((entry) => entry.reference > 0 || entry.current > 0);
  return {
    kind: histogram.kind,
    cells: kept.map(({ cell }) => cell),
    reference: kept.map((entry) => entry.reference),
    current: kept.map((entry) => entry.current),
  };
}

type Cell = HistogramView["cells"][number];

function binCells(edges: readonly number[]): Cell[] {
  const bins = edges.slice(0, -1).map((from, i): Cell => {
    const to = edges[i + 1] ?? Number.POSITIVE_INFINITY;
    return { label: "", from: finite(from), to: finite(to) };
  });
  return [...bins, named("not finite"), named("missing")];
}

const namedCells = ({ categories }: { readonly categories: readonly string[] }): Cell[] => [
  ...categories.map(named),
  named("all others"),
  named("missing"),
];

const named = (label: string): Cell => ({ label, from: null, to: null });

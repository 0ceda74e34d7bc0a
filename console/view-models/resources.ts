/** Levels of servers as columns over one axis of time: one chart for each measure, one line for each copy and GPU. */
import type { OperationsView } from "../../contract/operations-view.ts";

export interface ResourceColumns {
  readonly measure: string;
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly {
    readonly name: string;
    readonly last: number | null;
    readonly values: readonly (number | null)[];
  }[];
}

/** Lines of a chart; the others are in the table below it only. */
export const LINES_SHOWN = 5;
/** What an operator looks at first; the rest follows in its own order. */
const ORDER = ["gpu_utilisation", "gpu_memory_bytes", "cpu_cores", "memory_bytes", "queue_length"];
/** A figure that others are a share of, and one that is no level. */
const NOT_SHOWN = new Set(["gpu_memory_total_bytes", "up"]);

/** @param times starts of all buckets in seconds */
export function resourceColumns(
  { resources, bucketSeconds }: OperationsView,
  times: readonly number[],
): readonly ResourceColumns[] {
  const first = times[0] ?? 0;
  const byMeasure = Map.groupBy(
    resources.filter(({ measure }) => !NOT_SHOWN.has(measure)),
    ({ measure }) => measure,
  );
  const charts = [...byMeasure].map(([measure, own]): ResourceColumns => {
    const [{ title, unit } = { title: measure, unit: "none" }] = own;
    const lines = own.slice(0, LINES_SHOWN).map(({ instance, part, last, buckets }) => {
      const values: (number | null)[] = times.map(() => null);
      for (const { at, mean } of buckets) {
        const index = Math.round((Date.parse(at) / 1000 - first) / bucketSeconds);
        if (index >= 0 && index < values.length) values[index] = mean;
      }
      return { name: [instance, part].filter((text) => text !== "").join(" "), last, values };
    });
    return { measure, title, unit, lines };
  });
  return charts.toSorted((a, b) => rankOf(a.measure) - rankOf(b.measure));
}

const rankOf = (measure: string): number => {
  const at = ORDER.indexOf(measure);
  return at === -1 ? ORDER.length : at;
};

/** Copies of the server that did not answer when they were asked last. */
export function downOf({ resources }: OperationsView): readonly string[] {
  return resources.flatMap(({ measure, instance, last }) =>
    measure === "up" && last === 0 ? [instance] : [],
  );
}

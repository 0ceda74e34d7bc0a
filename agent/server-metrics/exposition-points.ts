/** Samples of Prometheus' text as points: the lines of a histogram or summary together, everything else by itself. */
import { type Exposition, type TextSample } from "./prometheus-text.ts";
import type { Bucket, MetricPoint } from "./point.ts";

/** The points of families for which `isWanted` holds; it gets names without `_total`. */
export function pointsOfExposition(
  { samples, types }: Exposition,
  isWanted: (name: string) => boolean,
): readonly MetricPoint[] {
  const points: MetricPoint[] = [];
  const grouped = new Map<string, Grouped>();
  for (const sample of samples) {
    const group = groupOf(sample, types);
    if (group === null) {
      if (isWanted(familyName(sample.name))) points.push(numberPoint(sample));
      continue;
    }
    if (!isWanted(group.family)) continue;
    const key = `${group.family}\0${labelsKey(sample.labels, group.edge)}`;
    const held = grouped.get(key) ?? emptyGroup(group, sample);
    grouped.set(key, held);
    addTo(held, group, sample);
  }
  return [...points, ...[...grouped.values()].flatMap(histogramPoint)];
}

/** Counters have `_total` in one format and not in the other, and are meant alike. */
export const familyName = (name: string): string => name.replace(/_total$/, "");

/** Labels in one order, without the one that names a bucket. */
export function labelsKey(labels: ReadonlyMap<string, string>, without: string | null): string {
  const entries = [...labels].filter(([name]) => name !== without);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries);
}

interface Group {
  readonly family: string;
  readonly role: "bucket" | "sum" | "count" | "quantile";
  readonly edge: "le" | "quantile" | null;
}

/** Null for a sample that stands by itself. */
function groupOf({ name, labels }: TextSample, types: Exposition["types"]): Group | null {
  const suffix = /_(bucket|sum|count)$/.exec(name);
  const base = suffix === null ? name : name.slice(0, suffix.index);
  const type = types.get(base);
  if (suffix !== null && (type === "histogram" || type === "summary")) {
    const role = suffix[1] as "bucket" | "sum" | "count";
    return { family: familyName(base), role, edge: role === "bucket" ? "le" : null };
  }
  // Some servers write buckets without their suffix.
  const own = types.get(name);
  if (own === "histogram" && labels.has("le")) {
    return { family: familyName(name), role: "bucket", edge: "le" };
  }
  if (own === "summary") return { family: familyName(name), role: "quantile", edge: "quantile" };
  return null;
}

interface Grouped {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** Upper edge and how many lie at or below it. */
  readonly edges: [number, number][];
  sum: number;
  count: number;
}

function emptyGroup({ family, edge }: Group, { labels }: TextSample): Grouped {
  const own = new Map([...labels].filter(([name]) => name !== edge));
  return { name: family, labels: own, edges: [], sum: Number.NaN, count: Number.NaN };
}

function addTo(held: Grouped, { role }: Group, { labels, value }: TextSample): void {
  if (role === "sum") held.sum = value;
  else if (role === "count") held.count = value;
  else if (role === "bucket") {
    const le = labels.get("le") ?? "";
    held.edges.push([le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le), value]);
  }
}

/** Nothing where counts do not grow with their edges, or the count is not said. */
function histogramPoint({ name, labels, edges, sum, count }: Grouped): MetricPoint[] {
  edges.sort(([a], [b]) => a - b);
  const total = Number.isNaN(count) ? (edges.at(-1)?.[1] ?? Number.NaN) : count;
  const buckets: Bucket[] = [];
  let [lower, below] = [Number.NEGATIVE_INFINITY, 0];
  for (const [upper, upTo] of edges) {
    if (!(upper > lower && upTo >= below)) return [];
    buckets.push({ lower, upper, count: upTo - below });
    [lower, below] = [upper, upTo];
  }
  if (!(total >= below)) return [];
  return [{ name, labels, ...NOW, value: { kind: "histogram", buckets, sum, count: total } }];
}

function numberPoint({ name, labels, value }: TextSample): MetricPoint {
  return { name: familyName(name), labels, ...NOW, value: { kind: "number", value } };
}

const NOW = { timeMs: 0, startMs: 0, temporality: "cumulative" } as const;

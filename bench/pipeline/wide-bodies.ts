/** Requests of a model with many features, four numeric to one categorical: what the stated figures are about. */
import type { Random } from "../../runtime/random.ts";
import type { Store } from "../../store/client.ts";
import { describeModel } from "./described-model.ts";
import {
  type PreparedBody,
  STAMP,
  TIME_MS,
  TIME_UNIX_NANO,
  double,
  map,
  prepareBody,
  text,
} from "./prepared-body.ts";

export interface Width {
  readonly numeric: number;
  readonly categorical: number;
}

export const WIDE_MODEL = "wide";
const CATEGORIES = 20;

function featureNames({ numeric, categorical }: Width): {
  readonly numeric: readonly string[];
  readonly categorical: readonly string[];
} {
  const named = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${prefix}_${i}`);
  return {
    numeric: named("amount", numeric),
    categorical: named("kind", categorical),
  };
}

const CATEGORY_NAMES: readonly string[] = Array.from(
  { length: CATEGORIES },
  (_, i) => `value-${i}`,
);

/** The model with grids of its features. */
export function describeWideModel(store: Store, width: Width): Promise<void> {
  const { numeric, categorical } = featureNames(width);
  return describeModel(store, {
    model: WIDE_MODEL,
    rollup: "1m",
    segments: [],
    numeric: numeric.map((feature) => ({ feature, center: 0, scale: 1.35 })),
    categorical: categorical.map((feature) => ({ feature, categories: CATEGORY_NAMES })),
  });
}

export function wideBodies(
  count: number,
  rows: number,
  width: Width,
  random: Random,
): PreparedBody[] {
  const names = featureNames(width);
  return Array.from({ length: count }, (_, body) => {
    const events = Array.from({ length: rows }, (_, row) => ({
      id: `${STAMP}-${body}-${row}`,
      score: random.next(),
      num: names.numeric.map((name) => [name, normal(random)] as const),
      cat: names.categorical.map(
        (name) => [name, CATEGORY_NAMES[random.integer(CATEGORIES)] ?? ""] as const,
      ),
    }));
    return prepareBody({
      service: WIDE_MODEL,
      records: events.map(logRecord),
      labels: [],
      tableRows: events.map(tableRow),
    });
  });
}

interface WideEvent {
  readonly id: string;
  readonly score: number;
  readonly num: readonly (readonly [string, number])[];
  readonly cat: readonly (readonly [string, string])[];
}

function logRecord({ id, score, num, cat }: WideEvent): object {
  const features = [
    ...num.map(([name, value]) => double(name, value)),
    ...cat.map(([name, value]) => text(name, value)),
  ];
  return {
    timeUnixNano: TIME_UNIX_NANO,
    eventName: "ml.prediction",
    attributes: [
      text("ml.model.name", WIDE_MODEL),
      text("ml.model.version", "1"),
      text("ml.prediction.id", id),
      map("ml.features", features),
      double("ml.prediction.score", score),
      double("ml.latency", 0.002),
    ],
  };
}

function tableRow({ id, score, num, cat }: WideEvent): object {
  return {
    model: WIDE_MODEL,
    version: "1",
    ts: TIME_MS,
    id,
    num: Object.fromEntries(num),
    cat: Object.fromEntries(cat),
    tags: {},
    label: "",
    score,
    value: "nan",
    latency: 0.002,
    error: "",
  };
}

/** Box and Muller's, one of the two. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

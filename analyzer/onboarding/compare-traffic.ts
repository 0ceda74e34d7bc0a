/**
 * A document beside what the traffic carries: columns that never came, columns that it does not name, other
 * types, values outside the declared range and, where one factor explains them, the unit that was probably
 * meant. Pure.
 */
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { NumericProfile } from "../../store/queries/traffic-profile.ts";
import type { TrafficProfile } from "./traffic-profile.ts";

export interface TrafficFinding {
  readonly kind:
    | "unseen"
    | "undeclared"
    | "constant"
    | "type"
    | "range"
    | "unit"
    | "segment"
    | "task";
  /** Feature, tag or part of the task. */
  readonly subject: string;
  readonly text: string;
}

export function compareTraffic(
  document: OnboardingDocument,
  profile: TrafficProfile,
): readonly TrafficFinding[] {
  const numbers = new Map(profile.numbers.map((one) => [one.feature, one]));
  const words = new Map(profile.categories.map((one) => [one.name, one]));
  const findings: TrafficFinding[] = [];
  const say = (kind: TrafficFinding["kind"], subject: string, text: string): void => {
    findings.push({ kind, subject, text });
  };
  const rows = `of the newest ${profile.rows} predictions`;
  for (const [feature, spec] of Object.entries(document.features)) {
    const number = numbers.get(feature);
    const word = words.get(feature);
    if (number === undefined && word === undefined) {
      if (spec.redact !== "drop") say("unseen", feature, `none ${rows} has it`);
      continue;
    }
    if (spec.type === "numeric" && number === undefined) {
      say("type", feature, "declared numeric, and it comes as text: such values are not counted");
    }
    if (spec.type !== "numeric" && number !== undefined && word === undefined) {
      say(
        "type",
        feature,
        `declared ${spec.type}; rows from now on are taken so, those before as numbers`,
      );
    }
    if (spec.type === "numeric" && number !== undefined && spec.range !== undefined) {
      const found = outsideRange(number, spec.range);
      if (found !== null) say(found.kind, feature, found.text);
    }
  }
  for (const name of [...numbers.keys(), ...words.keys()]) {
    if (Object.keys(document.features).length === 0 || name in document.features) continue;
    say("undeclared", name, "it comes, and the document does not name it: watched by its own type");
  }
  for (const { feature, distinct, min } of profile.numbers) {
    if (distinct <= 1) say("constant", feature, `always ${min}: nothing can be said of its drift`);
  }
  for (const { name, distinct, top } of profile.categories) {
    if (distinct <= 1) say("constant", name, `always ${JSON.stringify(top[0]?.[0] ?? "")}`);
  }
  for (const tag of document.segments) {
    if (!profile.tags.some(({ name }) => name === tag)) {
      say("segment", tag, `none ${rows} has this tag: the segment stays empty`);
    }
  }
  for (const found of compareTask(document, profile)) say("task", found.subject, found.text);
  return findings;
}

/** Wrong units, as factors of what was declared: what is seen = declared × factor. */
const UNITS = [
  [1000, "thousandths (g for kg, m for km, ms for s)"],
  [1 / 1000, "thousands (kg for g, km for m, s for ms)"],
  [100, "hundredths (cents, %, cm)"],
  [1 / 100, "hundreds (a whole for cents, a share for %)"],
  [60, "sixtieths (s for min, min for h)"],
  [1 / 60, "sixties (min for s, h for min)"],
  [3600, "seconds for hours"],
  [1 / 3600, "hours for seconds"],
  [1.609344, "kilometres for miles"],
  [1 / 1.609344, "miles for kilometres"],
  [2.20462, "pounds for kilograms"],
  [1 / 2.20462, "kilograms for pounds"],
  [0.3048, "metres for feet"],
  [1 / 0.3048, "feet for metres"],
] as const;
/** Of the rows, beyond which a range is not that of the traffic. */
const OUTSIDE_QUANTILE = 0.01;

function outsideRange(
  { min, max, quantiles, feature }: NumericProfile,
  [low, high]: readonly [number, number],
): { readonly kind: "range" | "unit"; readonly text: string } | null {
  if (min >= low && max <= high) return null;
  const [bottom = min, , middle = min, , top = max] = quantiles;
  const seen = `seen ${round(min)} to ${round(max)}, median ${round(middle)}; declared ${low} to ${high}`;
  const fits = (factor: number): boolean => bottom / factor >= low && top / factor <= high;
  if (bottom >= low && top <= high) {
    return {
      kind: "range",
      text: `${seen}: less than ${OUTSIDE_QUANTILE * 100} % of the rows lie outside`,
    };
  }
  // A unit explains what no value of the middle could: half of the rows lie outside.
  if (middle < low || middle > high) {
    const unit = UNITS.find(([factor]) => fits(factor));
    if (unit !== undefined) {
      const [factor, name] = unit;
      const times = factor >= 1 ? `${round(factor)} times` : `1/${round(1 / factor)} of`;
      return {
        kind: "unit",
        text: `${seen}: ${feature} is ${times} what was declared, as it is in ${name}`,
      };
    }
  }
  return {
    kind: "range",
    text: `${seen}: more than ${OUTSIDE_QUANTILE * 100} % of the rows lie outside`,
  };
}

const round = (value: number): string => String(Number(value.toPrecision(4)));

function compareTask(
  { task }: OnboardingDocument,
  profile: TrafficProfile,
): { readonly subject: string; readonly text: string }[] {
  const found: { subject: string; text: string }[] = [];
  const labels = profile.outcomes.map(({ label }) => label).filter((label) => label !== "");
  if (task.type === "binary" && profile.scores === 0) {
    found.push({
      subject: "ml.prediction.score",
      text: "no prediction carries a score, and performance of a binary model is computed from it",
    });
  }
  if (task.type === "regression" && profile.values.rows === 0) {
    found.push({
      subject: "ml.prediction.value",
      text: "no prediction carries a value, and performance of a regression is computed from it",
    });
  }
  const positive = task.positive ?? "1";
  if (task.type === "binary" && labels.length > 0 && !labels.includes(positive)) {
    found.push({
      subject: "task.positive",
      text: `"${positive}" never came as a label; those that did: ${labels.join(", ")}`,
    });
  }
  return found;
}

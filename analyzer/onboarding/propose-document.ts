/**
 * An onboarding document from what the traffic looks like, for a person to finish: every guess stands in
 * the document, and its reason beside it as a note. Pure.
 */
import { roughSpan } from "../../contract/duration.ts";
import type { OnboardingDocumentInput } from "../../contract/onboarding-document.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { NumericProfile, WordProfile } from "../../store/queries/traffic-profile.ts";
import type { TrafficProfile } from "./traffic-profile.ts";

/** A sentence beside a key of the document. */
export interface Note {
  readonly path: readonly string[];
  readonly text: string;
}

export interface Proposal {
  readonly document: OnboardingDocumentInput;
  readonly notes: readonly Note[];
}

interface Guess<T> {
  readonly value: T;
  readonly why: string;
}

type Task = OnboardingDocumentInput["task"];
type Feature = NonNullable<OnboardingDocumentInput["features"]>[string];

export function proposeDocument(model: string, profile: TrafficProfile): Proposal {
  const task = guessTask(profile);
  const features = [
    ...profile.numbers.map((one) => ({ name: one.feature, ...guessNumber(one, profile) })),
    ...profile.categories.map((one) => ({ name: one.name, ...guessWords(one, profile) })),
  ].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const segments = guessSegments(profile.tags);
  const rollup = guessRollup(profile);
  const delay = guessDelay(profile);
  const errors = guessErrorRate(profile);
  const latency = guessLatency(profile);
  const document: OnboardingDocumentInput = {
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: model },
    task: task.value,
    features: Object.fromEntries(features.map(({ name, value }) => [name, value])),
    segments: [...segments.value],
    rollup: rollup.value,
    labels: { expected_within: delay.value },
    ...(task.value.type === "regression" ? { quality: { primary: "skill", guards: [] } } : {}),
    service: {
      error_rate: errors.value,
      ...(latency === null ? {} : { latency_p95: latency.value }),
    },
  };
  const notes: Note[] = [
    { path: ["metadata"], text: nameNote(profile) },
    { path: ["task"], text: task.why },
    ...features.map(({ name, why }) => ({ path: ["features", name], text: why })),
    { path: ["segments"], text: segments.why },
    { path: ["rollup"], text: rollup.why },
    { path: ["labels", "expected_within"], text: delay.why },
    { path: ["service", "error_rate"], text: errors.why },
    ...(latency === null ? [] : [{ path: ["service", "latency_p95"], text: latency.why }]),
  ];
  return { document, notes };
}

const count = (n: number): string => String(Math.round(n));
const number = (value: number): string => String(Number(value.toPrecision(4)));
const percent = (share: number): string => `${Number((share * 100).toPrecision(2))} %`;

function nameNote({ rows, requests, versions, repeatedIds }: TrafficProfile): string {
  const sampled =
    requests === rows
      ? ""
      : ` (sampled: they stand for about ${count(requests)} requests; what sampled them, capture.sample or the caller's tracing, is not in this document)`;
  const repeated =
    repeatedIds === 0
      ? "every id came once"
      : `${count(repeatedIds)} ids came again: the first holds, or say identity.duplicates: last-wins`;
  return `from the newest ${count(rows)} predictions${sampled} of version ${versions.map((v) => (v === "" ? "(none)" : v)).join(", ")}; ${repeated}; add owner and runbook`;
}

function guessTask(profile: TrafficProfile): Guess<Task> {
  const { scores, values, classes, predicted, outcomes, rows } = profile;
  const labels = outcomes.map(({ label }) => label).filter((label) => label !== "");
  const actualValues = outcomes.reduce((sum, one) => sum + one.values, 0);
  if (scores === 0 && (values.rows > 0 || actualValues > 0)) {
    const seen =
      values.rows === 0 ? "labels are values" : `${number(values.min)} to ${number(values.max)}`;
    return {
      value: { type: "regression" },
      why: `predictions carry ml.prediction.value (${seen})`,
    };
  }
  const distinct = new Set([...classes, ...predicted, ...labels]);
  if (distinct.size > 2) {
    return {
      value: { type: "multiclass" },
      why: `${distinct.size} classes were seen: ${[...distinct].slice(0, 5).join(", ")}`,
    };
  }
  const scored = outcomes.filter(({ score, label }) => label !== "" && Number.isFinite(score));
  if (scored.length > 1) return guessPositive(scored);
  const share = percent(scores / Math.max(1, rows));
  return {
    value: { type: "binary" },
    why:
      labels.length === 0
        ? `${share} of the predictions carry a score; no label has come yet: say which one is positive, "1" when nothing is said`
        : `${share} of the predictions carry a score; only the label "${labels[0]}" has come: say which one is positive`,
  };
}

/** Scores that differ by less tell labels apart by chance only. */
const SCORES_APART = 0.1;
const POSITIVE_WORDS = ["1", "true", "yes", "positive"];

function guessPositive(outcomes: TrafficProfile["outcomes"]): Guess<Task> {
  const [high, low] = outcomes.toSorted((a, b) => b.score - a.score);
  const labels = outcomes.map(({ label }) => `"${label}"`).join(" and ");
  if (high !== undefined && high.score - (low?.score ?? 0) >= SCORES_APART * high.score) {
    return {
      value: { type: "binary", positive: high.label },
      why: `labels are ${labels}; "${high.label}" has the higher scores (${number(high.score)} on average, the other ${number(low?.score ?? 0)})`,
    };
  }
  const named = outcomes.find(({ label }) => POSITIVE_WORDS.includes(label.toLowerCase()));
  const rare = outcomes.toSorted((a, b) => a.rows - b.rows)[0];
  const positive = (named ?? rare)?.label ?? "1";
  return {
    value: { type: "binary", positive },
    why: `labels are ${labels}, and scores do not tell them apart: "${positive}" is taken by its ${named === undefined ? "rarity" : "name"}; check it`,
  };
}

const PERIODS = [
  { name: /hour|hr\b|^h$/i, min: 0, max: 23, period: 24 },
  { name: /week_?day|day_?of_?week|dow/i, min: 0, max: 6, period: 7 },
  { name: /week_?day|day_?of_?week|dow/i, min: 1, max: 7, period: 7 },
  { name: /month/i, min: 1, max: 12, period: 12 },
] as const;
const CODES_MAX = 30;

function guessNumber(one: NumericProfile, { rows }: TrafficProfile): Guess<Feature> {
  const { min, max, distinct, whole, nonFinite, quantiles } = one;
  const missing = missingNote(one.rows, rows);
  const odd = nonFinite === 0 ? "" : `; ${count(nonFinite)} not finite`;
  if (distinct <= 1) {
    return {
      value: { type: "numeric" },
      why: `constant so far: ${number(min)}${missing}${odd}; nothing can be said of its drift`,
    };
  }
  const period = PERIODS.find(
    (candidate) => candidate.name.test(one.feature) && min >= candidate.min && max <= candidate.max,
  );
  const seen = `seen ${number(min)} to ${number(max)}, median ${number(quantiles[2] ?? 0)}${missing}${odd}`;
  if (period !== undefined) {
    return {
      value: { type: "numeric", range: [period.min, period.max], period: period.period },
      why: `${seen}; it goes round, so ${period.max} is next to ${period.min}`,
    };
  }
  const code =
    whole === one.rows && distinct <= CODES_MAX && distinct > 2
      ? `; ${distinct} whole numbers: if it is a code and no quantity, write type: categorical`
      : "";
  return {
    value: { type: "numeric", range: roomyRange(one) },
    why: `${seen}${code}; say its unit`,
  };
}

/** From below to above with a tenth of room, in two digits; quantities that may be small begin at 0. */
function roomyRange({ min, max, whole, rows }: NumericProfile): [number, number] {
  const low = min >= 0 && min < 0.1 * max ? 0 : outward(min, -1);
  const high = outward(max, 1);
  return whole === rows ? [Math.floor(low), Math.ceil(high)] : [low, high];
}

function outward(value: number, sign: 1 | -1): number {
  if (value === 0) return 0;
  const roomy = value + sign * Math.abs(value) * 0.1;
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(roomy))) - 1);
  const rounded = (sign > 0 ? Math.ceil(roomy / unit) : Math.floor(roomy / unit)) * unit;
  return Number(rounded.toPrecision(2));
}

const IDENTIFIER_SHARE = 0.9;
const TEXT_CHARACTERS = 25;

function guessWords(one: WordProfile, { rows }: TrafficProfile): Guess<Feature> {
  const missing = missingNote(one.rows, rows);
  const first = one.top.slice(0, 4).map(([value]) => JSON.stringify(value));
  if (one.distinct <= 1) {
    return { value: { type: "categorical" }, why: `constant so far: ${first.join("")}${missing}` };
  }
  const own = one.distinct / Math.max(1, one.rows);
  if (own > IDENTIFIER_SHARE) {
    return {
      value: { type: "text", redact: "hash" },
      why: `${percent(own)} of the rows have a value of their own, ${Math.round(one.length)} characters long: text or an identifier, hashed before it reaches the disk${missing}`,
    };
  }
  if (one.length > TEXT_CHARACTERS) {
    return {
      value: { type: "text" },
      why: `${one.distinct} texts of ${Math.round(one.length)} characters; redact: hash hides them${missing}`,
    };
  }
  const more =
    one.distinct > LIMITS.categoriesPerFeatureMax ? "; the rarest are counted together" : "";
  return {
    value: { type: "categorical" },
    why: `${one.distinct} values: ${first.join(", ")}${one.distinct > first.length ? ", …" : ""}${missing}${more}`,
  };
}

function missingNote(has: number, rows: number): string {
  return has >= rows ? "" : `, missing in ${percent(1 - has / rows)}`;
}

function guessSegments(tags: readonly WordProfile[]): Guess<readonly string[]> {
  const usable = tags.filter(
    ({ distinct }) => distinct >= 2 && distinct <= LIMITS.segmentValuesMax,
  );
  const first = usable.toSorted(
    (a, b) => Number(b.name === "client.version") - Number(a.name === "client.version"),
  );
  const value = first.slice(0, LIMITS.segmentTagsMax).map(({ name }) => name);
  const others = tags.filter(({ name }) => !value.includes(name));
  const shown = others.map(({ name, distinct }) => `${name} (${distinct} values)`).join(", ");
  const rest = others.length === 0 ? "" : `; not taken: ${shown}`;
  return {
    value,
    why:
      tags.length === 0
        ? "no tags came: send ml.tags, such as client.version, to see where something is wrong"
        : `at most ${LIMITS.segmentTagsMax} tags of at most ${LIMITS.segmentValuesMax} values${rest}`,
  };
}

const MINUTES_PER_DAY = 1_440;
const HOURS_PER_DAY = 24;
const ROWS_PER_BUCKET = 100;

function guessRollup({
  rowsPerDay,
  fromMs,
  toMs,
  days,
}: TrafficProfile): Guess<"1m" | "1h" | "1d"> {
  const seen = days <= 2 ? `, by the ${roughSpan(toMs - fromMs)} seen so far,` : "";
  const traffic = `${count(rowsPerDay)} predictions a day${seen}`;
  if (rowsPerDay >= ROWS_PER_BUCKET * MINUTES_PER_DAY) {
    return { value: "1m", why: `${traffic} fill the minutes` };
  }
  return rowsPerDay >= ROWS_PER_BUCKET * HOURS_PER_DAY
    ? { value: "1h", why: `${traffic} fill hours, not minutes` }
    : { value: "1d", why: `${traffic} fill days, not hours` };
}

const HOUR_MS = 3_600_000;
const SPANS = [
  ["1h", 1],
  ["6h", 6],
  ["1d", 24],
  ["3d", 72],
  ["7d", 168],
  ["14d", 336],
  ["30d", 720],
  ["45d", 1_080],
  ["90d", 2_160],
] as const;

function guessDelay({ outcomes }: TrafficProfile): Guess<string> {
  const slowest = Math.max(0, ...outcomes.map(({ delays }) => delays[1] ?? 0));
  if (outcomes.length === 0) {
    return {
      value: "7d",
      why: "no label has come yet: post them to /v1/labels, and say how long they usually take",
    };
  }
  const found = SPANS.find(([, hours]) => slowest <= hours * HOUR_MS) ?? ["90d", 0];
  return {
    value: found[0],
    why: `99 % of the labels that came were there after ${roughSpan(slowest)}`,
  };
}

const ERROR_RATE_MIN = 0.01;

function guessErrorRate({ failed, requests }: TrafficProfile): Guess<string> {
  const share = failed / Math.max(1, requests);
  const promised = Math.max(ERROR_RATE_MIN, share * 2);
  return {
    value: `${Number((promised * 100).toPrecision(2))}%`,
    why: `${percent(share)} failed; above this you are paged`,
  };
}

function guessLatency({ latency }: TrafficProfile): Guess<string> | null {
  if (latency.rows === 0 || !(latency.p95 > 0)) return null;
  const promised = Math.max(1, Number((latency.p95 * 2_000).toPrecision(2)));
  return {
    value: `${promised}ms`,
    why: `95 % answered within ${number(latency.p95 * 1_000)} ms`,
  };
}

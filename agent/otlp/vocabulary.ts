/** The attribute keys that capture knows. Interned first, so that each has the same small number in every frame. */

export const PINNED_TEXTS = [
  "event.name",
  "ml.model.name",
  "ml.model.version",
  "ml.prediction.id",
  "ml.features",
  "ml.prediction.label",
  "ml.prediction.score",
  "ml.prediction.value",
  "ml.prediction.probabilities",
  "ml.tags",
  "ml.latency",
  "error.type",
  "client.version",
  "ml.prediction.time",
  "ml.actual.label",
  "ml.actual.value",
  "ml.actual.source",
  "ml.actual.revision",
  "ml.prediction.weight",
  "ml.prediction",
  "ml.ground_truth",
  "_OTHER",
] as const;
export type PinnedText = (typeof PINNED_TEXTS)[number];

/** The number of a pinned text: its place, from 1. */
const number = (text: PinnedText): number => PINNED_TEXTS.indexOf(text) + 1;

export const KEY = {
  eventName: number("event.name"),
  model: number("ml.model.name"),
  version: number("ml.model.version"),
  id: number("ml.prediction.id"),
  features: number("ml.features"),
  label: number("ml.prediction.label"),
  score: number("ml.prediction.score"),
  value: number("ml.prediction.value"),
  probabilities: number("ml.prediction.probabilities"),
  tags: number("ml.tags"),
  latency: number("ml.latency"),
  error: number("error.type"),
  clientVersion: number("client.version"),
  predictionTime: number("ml.prediction.time"),
  actualLabel: number("ml.actual.label"),
  actualValue: number("ml.actual.value"),
  actualSource: number("ml.actual.source"),
  actualRevision: number("ml.actual.revision"),
  weight: number("ml.prediction.weight"),
} as const;
/** Slots are indexed by these numbers; 0 is none. */
export const KEY_COUNT = KEY.weight + 1;

export const EVENT = {
  prediction: number("ml.prediction"),
  groundTruth: number("ml.ground_truth"),
} as const;
/** OpenTelemetry's value of `error.type` where only the fact is known. */
export const ERROR_OTHER = number("_OTHER");

export const FEATURE_PREFIX = "ml.feature.";
export const TAG_PREFIX = "ml.tag.";

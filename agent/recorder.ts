/**
 * Where all doors meet: decides about one record after the other and puts it into the frame. A door fills
 * the `row`, opens it, adds features, tags and probabilities, and closes it; a record that can never be
 * stored becomes a dead letter with its reason. No object is made for a record that is stored.
 */
import { isUtf8 } from "node:buffer";
import { LIMITS } from "../contract/limits.ts";
import { FeatureNames } from "./columns/feature-names.ts";
import type { ServerMetricRow } from "../contract/server-metric.ts";
import type { FrameBuilder } from "./columns/frame-builder.ts";
import { type FeatureRules, RULE, type Rule } from "./columns/feature-rules.ts";
import type { DeadReason } from "./dead-reason.ts";
import { jsonOrNothing } from "./json-text.ts";
import type { ModelClocks } from "./model-clocks.ts";
import { addPlainFeature } from "./plain-record.ts";
import { deadLetterCount, emptyOutcome, type Outcome } from "./outcome.ts";
import { malformedBody } from "./otlp/wire.ts";
import { RecordRow } from "./record-row.ts";
import { CaptureGate } from "./sampling/capture-gate.ts";
import { NOTHING_SHED, type Shedding } from "./sampling/shedding.ts";

export interface RecorderDeps {
  readonly frame: FrameBuilder;
  readonly rules: FeatureRules;
  readonly clocks: ModelClocks;
  readonly nowMs: () => number;
  /** How far behind a model's clock an event may lie: what the raw table keeps. */
  readonly retentionMs: number;
  /** What is given up at this moment; asked for at each request. */
  readonly shedding: () => Shedding;
}

/** Makes the sample of a dead letter; asked for only when one is written. */
export type Sample = () => unknown;

const UNKNOWN_RULE = 255;

export class Recorder {
  readonly row = new RecordRow();
  /** The number that `addNumberHere` takes. */
  readonly number = new Float64Array(1);
  readonly frame: FrameBuilder;
  outcome: Outcome = emptyOutcome();
  readonly featureNames: FeatureNames;
  private readonly deps: RecorderDeps;
  private nowMs = 0;
  /** The model that the values below belong to; -1 for none. */
  private cachedModel = -1;
  private oldestMs = 0;
  private newestMs = 0;
  private clockMs = 0;
  private modelText = "";
  private modelRules: ReadonlyMap<string, Rule> | null = null;
  private readonly gate: CaptureGate;
  private shedding: Shedding = NOTHING_SHED;
  /** Of the prediction that is open. */
  private sample: Sample = () => null;
  /** Rule by interned id of the feature's name, of the cached model. */
  private readonly ruleById = new Uint8Array(LIMITS.featuresPerModelMax * 64).fill(UNKNOWN_RULE);
  /** Serial number of the record in which a feature's name was seen last, by interned id. */
  private seenIn = new Uint32Array(4_096);
  private serial = 0;
  private features = 0;
  private tags = 0;
  private probabilities = 0;

  constructor(deps: RecorderDeps) {
    this.deps = deps;
    this.frame = deps.frame;
    this.featureNames = new FeatureNames(deps.frame.interner);
    this.gate = new CaptureGate(deps.rules.captureOf(""));
  }

  /** Begins a request. */
  begin(): void {
    this.nowMs = this.deps.nowMs();
    this.outcome = emptyOutcome();
    this.cachedModel = -1;
    this.shedding = this.deps.shedding();
    this.gate.begin(this.shedding);
  }

  /** Takes back what the open request added, as if it had not come. */
  rollback(): void {
    this.frame.rollback();
    this.gate.giveBack();
  }

  /** True when features may be added; else the record went to the dead letters, or is not kept. */
  openPrediction(sample: Sample): boolean {
    const { row } = this;
    const reason = this.refusal();
    if (reason !== null) {
      this.deadLetter("predictions", reason, sample);
      return false;
    }
    const weight = this.gate.keptWeight(row, this.outcome);
    if (weight === 0) return false;
    this.sample = sample;
    this.serial = (this.serial + 1) >>> 0;
    if (this.serial === 0) {
      this.seenIn.fill(0);
      this.serial = 1;
    }
    this.features = 0;
    this.tags = 0;
    this.probabilities = 0;
    const { predictions } = this.frame;
    predictions.model.push(row.model);
    predictions.version.push(row.version);
    predictions.ts.push(row.timeMs);
    predictions.id.push(row.idBytes, row.idStart, row.idEnd);
    predictions.label.push(row.label);
    predictions.score.push(row.score);
    predictions.value.push(row.value);
    predictions.latency.push(row.latency);
    predictions.error.push(row.error);
    predictions.weight.push(weight);
    return true;
  }

  closePrediction(): void {
    const { predictions } = this.frame;
    predictions.endRow();
    const { recordBytesMax } = this.gate;
    if (recordBytesMax !== Number.POSITIVE_INFINITY) {
      const bytes = predictions.lastRowLength();
      if (bytes > recordBytesMax) {
        predictions.truncate(predictions.rows - 1);
        const detail = `it has ${bytes} characters, its model takes at most ${recordBytesMax}`;
        this.deadLetter("predictions", "record_too_large", this.sample, detail);
        return;
      }
    }
    this.outcome.predictions++;
    this.frame.rowAdded();
  }

  addLabel(sample: Sample): void {
    const { row } = this;
    const reason =
      this.refusal() ??
      (isPredictionTime(row.predictionTimeMs) ? null : "time_invalid") ??
      (row.label === 0 && Number.isNaN(row.value) ? "label_missing" : null) ??
      (Number.isSafeInteger(row.revision) && row.revision >= 0 ? null : "revision_invalid");
    if (reason !== null) {
      this.deadLetter("labels", reason, sample);
      return;
    }
    const { labels } = this.frame;
    const isSampled = this.gate.isSampled(row);
    if (!isSampled) this.outcome.labelsUnsampled++;
    labels.unsampled.push(isSampled ? 0 : 1);
    labels.model.push(row.model);
    labels.id.push(row.idBytes, row.idStart, row.idEnd);
    labels.label.push(row.label);
    labels.value.push(row.value);
    labels.predictionTime.push(row.predictionTimeMs);
    labels.time.push(row.timeMs);
    labels.source.push(row.source);
    labels.revision.push(row.revision);
    labels.endRow();
    this.outcome.labels++;
    this.frame.rowAdded();
  }

  /** A sample that was looked at already: its names are short, its time is right. */
  addServerMetric(row: ServerMetricRow): void {
    this.frame.addServerMetric(row);
    this.outcome.serverMetrics++;
  }

  addNumber(name: number, value: number): void {
    this.number[0] = value;
    this.addNumberHere(name);
  }

  /** A feature whose value stands in `number`: a double that is handed over in a call may be boxed. */
  addNumberHere(name: number): void {
    const rule = this.modelRules === null ? RULE.none : this.ruleOf(name);
    if (rule > RULE.numeric) {
      this.addHidden(name, rule, this.frame.interner.idOfNumber(this.number[0]!));
      return;
    }
    if (!this.admits(name)) return;
    const { predictions } = this.frame;
    predictions.numKeys.push(name);
    predictions.numValues.push(this.number[0]!);
  }

  /** True where the record's model says how a feature is to be treated. */
  get hasRules(): boolean {
    return this.modelRules !== null;
  }

  /** A feature that came as a whole number: every digit counts if it names a category. */
  addInteger(name: number, digits: string): void {
    const rule = this.modelRules === null ? RULE.none : this.ruleOf(name);
    if (rule <= RULE.numeric) this.addNumber(name, Number(digits));
    else this.addHidden(name, rule, this.frame.interner.idOfText(digits));
  }

  /** A feature that came as text; declared numeric, it is read as a number if it is one. */
  addText(name: number, text: number): void {
    const rule = this.modelRules === null ? RULE.none : this.ruleOf(name);
    if (rule === RULE.numeric) {
      const written = this.frame.interner.textOf(text).trim();
      const value = written === "" ? Number.NaN : Number(written);
      if (!Number.isNaN(value) || written === "NaN") {
        this.addNumber(name, value);
        return;
      }
    }
    if (rule > RULE.categorical) this.addHidden(name, rule, text);
    else this.addCategory(name, text);
  }

  addBoolean(name: number, value: boolean): void {
    const rule = this.modelRules === null ? RULE.none : this.ruleOf(name);
    if (rule === RULE.numeric) this.addNumber(name, value ? 1 : 0);
    else this.addHidden(name, rule, this.frame.interner.idOfText(value ? "true" : "false"));
  }

  /** `ml.features` as the text of a JSON object: for SDKs that have no maps. */
  addJsonFeatures(json: string): void {
    const features = jsonOrNothing(json);
    if (typeof features !== "object" || features === null || Array.isArray(features)) {
      this.outcome.valuesSkipped++;
      return;
    }
    for (const [name, value] of Object.entries(features)) addPlainFeature(this, name, value);
  }

  addTag(name: number, text: number): void {
    if (this.tags++ >= LIMITS.tagsPerRecordMax) {
      this.outcome.valuesSkipped++;
      return;
    }
    this.frame.predictions.tagKeys.push(name);
    this.frame.predictions.tagValues.push(text);
  }

  addProbability(name: number, value: number): void {
    if (this.probabilities++ >= LIMITS.probabilitiesPerRecordMax) {
      this.outcome.valuesSkipped++;
      return;
    }
    this.frame.predictions.probabilityKeys.push(name);
    this.frame.predictions.probabilityValues.push(value);
  }

  deadLetter(
    record: "predictions" | "labels",
    reason: DeadReason,
    sample: Sample,
    detail: string = this.detailOf(reason),
  ): void {
    const { row, outcome } = this;
    const { interner } = this.frame;
    const hidden = this.deps.rules.hides(interner.textOf(row.model));
    const id = row.idBytes.toString("utf8", row.idStart, Math.min(row.idEnd, row.idStart + 256));
    if (deadLetterCount(outcome) >= LIMITS.deadLettersPerRequestMax) {
      throw malformedBody(
        `more than ${LIMITS.deadLettersPerRequestMax} of its records cannot be stored`,
      );
    }
    outcome.deadLetters.set(reason, (outcome.deadLetters.get(reason) ?? 0) + 1);
    const { withoutSamples } = this.shedding;
    if (withoutSamples && !hidden) outcome.samplesShed++;
    this.frame.addDeadLetter({
      time: this.nowMs,
      record,
      reason,
      model: interner.textOf(row.model).slice(0, LIMITS.modelNameBytesMax),
      id,
      detail,
      sample:
        hidden || withoutSamples
          ? ""
          : cut(JSON.stringify(sample()), LIMITS.deadLetterSampleBytesMax),
    });
  }

  private detailOf(reason: DeadReason): string {
    if (!reason.startsWith("time_")) return "";
    const clock = new Date(this.clockMs).toISOString();
    const { timeMs } = this.row;
    if (Number.isNaN(timeMs)) return "neither RFC 3339 nor Unix nanoseconds";
    const range = Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : String(timeMs);
    return `event time ${range}, the model's clock is at ${clock}`;
  }

  /** Null where model, id and time are right; completes the row's time. */
  private refusal(): DeadReason | null {
    const { row } = this;
    if (row.model === 0) return "model_missing";
    if (row.model !== this.cachedModel) this.cacheModel(row.model);
    if (this.modelText.length > LIMITS.modelNameBytesMax) return "model_too_long";
    // What is keyed by model and read from JSON would lose it.
    if (this.modelText === "__proto__") return "model_invalid";
    if (row.idInvalid) return "id_invalid";
    const idBytes = row.idEnd - row.idStart;
    if (idBytes === 0) return "id_missing";
    if (idBytes > LIMITS.predictionIdBytesMax) return "id_too_long";
    if (!isText(row.idBytes, row.idStart, row.idEnd)) return "id_invalid";
    if (row.timeMs === 0) row.timeMs = this.clockMs;
    if (!(row.timeMs >= this.oldestMs)) {
      return Number.isNaN(row.timeMs) ? "time_invalid" : "time_too_old";
    }
    return row.timeMs <= this.newestMs ? null : "time_ahead";
  }

  private cacheModel(model: number): void {
    this.cachedModel = model;
    this.modelText = this.frame.interner.textOf(model);
    this.clockMs = this.deps.clocks.clockMs(this.modelText);
    this.oldestMs = this.clockMs - this.deps.retentionMs;
    this.newestMs = this.clockMs + LIMITS.eventAheadMsMax;
    this.modelRules = this.deps.rules.rulesOf(this.modelText);
    this.featureNames.begin(this.modelText, this.deps.rules.featuresOf(this.modelText));
    this.gate.open(this.modelText, this.deps.rules.captureOf(this.modelText), this.nowMs);
    if (this.modelRules !== null) this.ruleById.fill(UNKNOWN_RULE);
  }

  private ruleOf(name: number): number {
    if (name >= this.ruleById.length) return this.lookUpRule(name);
    const known = this.ruleById[name]!;
    if (known !== UNKNOWN_RULE) return known;
    const rule = this.lookUpRule(name);
    this.ruleById[name] = rule;
    return rule;
  }

  private lookUpRule(name: number): Rule {
    return this.modelRules?.get(this.frame.interner.textOf(name)) ?? RULE.none;
  }

  private addHidden(name: number, rule: number, text: number): void {
    if (rule === RULE.drop) return;
    if (rule < RULE.hash) {
      this.addCategory(name, text);
      return;
    }
    const { interner } = this.frame;
    const feature = interner.textOf(name);
    const whole = interner.textOf(text);
    const hidden = this.deps.rules.redacted(rule as Rule, this.modelText, feature, whole);
    this.addCategory(name, interner.idOfText(hidden));
  }

  private addCategory(name: number, text: number): void {
    if (!this.admits(name)) return;
    this.frame.predictions.catKeys.push(name);
    this.frame.predictions.catValues.push(text);
  }

  /** Counts a feature; false for one that the record named before, and beyond the maximum. */
  admits(name: number): boolean {
    if (name >= this.seenIn.length) {
      const larger = new Uint32Array(Math.max(this.seenIn.length * 2, name + 1));
      larger.set(this.seenIn);
      this.seenIn = larger;
    }
    if (this.seenIn[name] === this.serial || this.features >= LIMITS.featuresPerModelMax) {
      this.outcome.valuesSkipped++;
      return false;
    }
    if (!this.featureNames.admits(name)) {
      this.outcome.featuresOverLimit++;
      return false;
    }
    this.seenIn[name] = this.serial;
    this.features++;
    return true;
  }
}

/** Of a label; NaN where it says none. */
function isPredictionTime(ms: number): boolean {
  return Number.isNaN(ms) || (ms >= 0 && ms <= LIMITS.storedTimeMsMax);
}

function isText(bytes: Buffer, start: number, end: number): boolean {
  let bits = 0;
  for (let i = start; i < end; i++) bits |= bytes[i]!;
  return bits < 0x80 || isUtf8(bytes.subarray(start, end));
}

/** `text` cut so that it takes at most `bytesMax` bytes. */
function cut(text: string | undefined, bytesMax: number): string {
  const bytes = Buffer.from(text ?? "");
  if (bytes.length <= bytesMax) return bytes.toString();
  return bytes.toString("utf8", 0, bytesMax).replace(/\uFFFD+$/u, "");
}

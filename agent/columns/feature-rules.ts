/**
 * What onboarding documents say about features: which numbers are categories and what must be hidden before
 * it reaches the disk. Without a word a number is numeric, a text or truth value a category.
 */
import { createHash, createHmac } from "node:crypto";
import { z } from "zod";
import { CaptureSettings } from "../../contract/capture-settings.ts";
import { DocumentMapping } from "../../contract/mapping.ts";
import { Redaction } from "../../contract/redaction.ts";
import { type CaptureRules, captureRules } from "../sampling/capture-rules.ts";

/** `none`: by the value's own type. */
export const RULE = {
  none: 0,
  numeric: 1,
  categorical: 2,
  drop: 3,
  hash: 4,
  truncate: 5,
  replace: 6,
} as const;
export type Rule = (typeof RULE)[keyof typeof RULE];

/** The part of an onboarding document that capture needs; whatever else it holds is not looked at. */
export const CaptureDocument = z.object({
  task: z.object({ type: z.string(), positive: z.string().optional() }).optional(),
  match: z.object({ resource: z.record(z.string(), z.string()) }).optional(),
  identity: z
    .object({ prediction: z.string().optional(), version: z.string().optional() })
    .optional(),
  map: DocumentMapping.optional(),
  capture: CaptureSettings.prefault({}),
  /** Where the model's server tells its metrics. */
  service: z.object({ metrics: z.string().optional() }).optional(),
  features: z
    .record(
      z.string(),
      z.object({
        type: z.enum(["numeric", "categorical", "text"]).optional(),
        redact: Redaction.optional(),
      }),
    )
    .prefault({}),
});
export type CaptureDocument = z.output<typeof CaptureDocument>;

const TRUNCATED_CHARACTERS = 4;
const NONE: readonly string[] = [];

export class FeatureRules {
  private readonly documents = new Map<string, CaptureDocument>();
  private readonly ruleByModel = new Map<string, ReadonlyMap<string, Rule>>();
  private readonly declaredByModel = new Map<string, readonly string[]>();
  private readonly captureByModel = new Map<string, CaptureRules>();
  private readonly key: string | undefined;
  private readonly captureDefaults: CaptureSettings;
  private readonly defaultCapture: CaptureRules;
  /** Of features whose texts are replaced in part, by model and feature. */
  private readonly replacements = new Map<string, Replacement>();
  /** Changes with every change of a document. */
  revision = 0;

  /**
   * @param key of hashes; without one they are plain, and whoever guesses a text can tell that it is the one
   * @param capture what holds where a document says nothing about capture
   */
  constructor(key?: string, capture: CaptureSettings = {}) {
    this.key = key;
    this.captureDefaults = capture;
    this.defaultCapture = captureRules({}, capture);
  }

  /** A document, or null where the model was retired. */
  set(model: string, document: CaptureDocument | null): void {
    this.revision++;
    this.ruleByModel.delete(model);
    this.documents.delete(model);
    this.captureByModel.delete(model);
    this.declaredByModel.delete(model);
    if (document === null) return;
    this.documents.set(model, document);
    this.captureByModel.set(model, captureRules(document.capture, this.captureDefaults));
    const rules = Object.entries(document.features).map(
      ([feature, { type, redact }]) => [feature, ruleOf(type, redact)] as const,
    );
    this.declaredByModel.set(model, Object.keys(document.features));
    if (rules.length > 0) this.ruleByModel.set(model, new Map(rules));
    for (const [feature, { redact }] of Object.entries(document.features)) {
      if (typeof redact !== "object") continue;
      const pattern = new RegExp(redact.replace, "gu");
      this.replacements.set(`${model}\0${feature}`, { pattern, by: redact.by });
    }
  }

  /** Null where the model has none. */
  documentOf(model: string): CaptureDocument | null {
    return this.documents.get(model) ?? null;
  }

  /** Null where the document says nothing about features. */
  rulesOf(model: string): ReadonlyMap<string, Rule> | null {
    return this.ruleByModel.get(model) ?? null;
  }

  /** Names that the model's document declares. */
  featuresOf(model: string): readonly string[] {
    return this.declaredByModel.get(model) ?? NONE;
  }

  captureOf(model: string): CaptureRules {
    return this.captureByModel.get(model) ?? this.defaultCapture;
  }

  /** True when a sample of a record of this model may show what must be hidden. */
  hides(model: string): boolean {
    const rules = this.ruleByModel.get(model);
    return rules !== undefined && [...rules.values()].some((rule) => rule >= RULE.drop);
  }

  /** The model whose `match.resource` the resource's attributes fulfil; for records without a model. */
  modelOfResource(attributes: ReadonlyMap<string, string>): string | null {
    for (const [model, { match }] of this.documents) {
      const wanted = Object.entries(match?.resource ?? {});
      if (wanted.length > 0 && wanted.every(([key, value]) => attributes.get(key) === value)) {
        return model;
      }
    }
    return null;
  }

  /**
   * The text that is stored instead: its hash, cut to 16 hex digits (a pseudonym, not anonymity), its beginning, or
   * what is left of it.
   */
  redacted(rule: Rule, model: string, feature: string, text: string): string {
    if (rule === RULE.truncate) return [...text].slice(0, TRUNCATED_CHARACTERS).join("");
    const own = `${model}\0${feature}`;
    if (rule === RULE.replace) {
      const replacement = this.replacements.get(own);
      // A function: "$&" in the text that stands in would bring back what is hidden.
      return replacement === undefined
        ? ""
        : text.replace(replacement.pattern, () => replacement.by);
    }
    const hash = this.key === undefined ? createHash("sha256") : createHmac("sha256", this.key);
    return hash.update(`${own}\0${text}`).digest("hex").slice(0, 16);
  }

  all(): readonly (readonly [string, CaptureDocument])[] {
    return [...this.documents];
  }
}

interface Replacement {
  readonly pattern: RegExp;
  readonly by: string;
}

function ruleOf(
  type: "numeric" | "categorical" | "text" | undefined,
  redact: Redaction | undefined,
): Rule {
  if (redact !== undefined) return typeof redact === "string" ? RULE[redact] : RULE.replace;
  if (type === undefined) return RULE.none;
  return type === "numeric" ? RULE.numeric : RULE.categorical;
}

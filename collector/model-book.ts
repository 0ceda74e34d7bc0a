/**
 * What the collector knows of models: documents (grain, declared segments), grids, and which values of
 * declared tags have rollups of their own. Read from tables; messages only say when to read again.
 */
import { OnboardingDocument } from "../contract/onboarding-document.ts";
import { LIMITS } from "../contract/limits.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Store } from "../store/client.ts";
import {
  gridsOfModel,
  modelDocuments,
  modelsWithSettings,
  segmentValuesOfModel,
} from "../store/queries/model-settings.ts";
import {
  DEFAULT_MODEL_SETTINGS,
  type ModelSettings,
  type SegmentValues,
} from "./model-settings.ts";
import { type LabelRules, labelRulesOf } from "./label-rules/label-rules.ts";
import type { FeatureGrid } from "./rollup/feature-slots.ts";

const ADMISSION_TOKEN_TRIES = 3;
/** Unread models of one frame that are asked about each by itself. */
const READ_ONE_BY_ONE = 8;

interface Entry {
  readonly settings: ModelSettings;
  /** By tag, in the agreed order. */
  readonly segmentValues: Map<string, Set<string>>;
}

export class ModelBook implements SegmentValues {
  private readonly entries = new Map<string, Entry>();
  private documents: ReadonlyMap<string, Pick<ModelSettings, "grain" | "segments">> = new Map();
  private labels: ReadonlyMap<string, LabelRules> = new Map();
  private readonly deps: { readonly store: Store; readonly logger: Logger };

  constructor(deps: { store: Store; logger: Logger }) {
    this.deps = deps;
  }

  /** Settings as last read; defaults before `ensure`. */
  settingsOf(model: string): ModelSettings {
    return this.entries.get(model)?.settings ?? DEFAULT_MODEL_SETTINGS;
  }

  isKnown(model: string, tag: string, value: string): boolean {
    return this.entries.get(model)?.segmentValues.get(tag)?.has(value) === true;
  }

  /** Declared tags of all models that have any. */
  declaredSegments(): Record<string, string[]> {
    const declared = [...this.documents].filter(([, { segments }]) => segments.length > 0);
    return Object.fromEntries(declared.map(([model, { segments }]) => [model, [...segments]]));
  }

  /** What the documents say of labels, by model. */
  labelRules(): ReadonlyMap<string, LabelRules> {
    return this.labels;
  }

  /** Reads a model that was never read. */
  async ensure(model: string): Promise<void> {
    if (!this.entries.has(model)) await this.refresh(model);
  }

  /** The same for many: of most there is nothing to read, which is asked once and not of each. */
  async ensureAll(models: readonly string[]): Promise<void> {
    const unread = models.filter((model) => !this.entries.has(model));
    if (unread.length <= READ_ONE_BY_ONE) {
      for (const model of unread) await this.refresh(model);
      return;
    }
    const rows = await this.deps.store.query(modelsWithSettings, {});
    const settled = new Set(rows.map(({ model }) => model));
    await this.refreshDocuments();
    for (const model of unread) {
      if (settled.has(model)) await this.refresh(model);
      else this.enter(model);
    }
  }

  async refreshDocuments(): Promise<void> {
    const documents = new Map<string, Pick<ModelSettings, "grain" | "segments">>();
    const labels = new Map<string, LabelRules>();
    for (const { model, document } of await this.deps.store.query(modelDocuments, {})) {
      const parsed = OnboardingDocument.safeParse(document);
      if (!parsed.success) {
        this.deps.logger.warn(
          { model, err: parsed.error },
          "document is not valid; using defaults",
        );
        continue;
      }
      const { rollup, segments } = parsed.data;
      documents.set(model, { grain: rollup ?? DEFAULT_MODEL_SETTINGS.grain, segments });
      labels.set(model, labelRulesOf(parsed.data));
    }
    this.labels = labels;
    this.documents = documents;
  }

  /** Reads document and grids again; groups that are being formed keep what they were pinned to. */
  async refresh(model: string): Promise<void> {
    await this.refreshDocuments();
    for (const known of new Set([...this.entries.keys(), model])) this.enter(known);
    await this.readGrids(model);
    await this.readSegmentValues(model);
  }

  /**
   * Gives new values of a declared tag their place while there is one. The order is agreed by inserts
   * that share a token by number: of two collectors that want one number, one is skipped.
   */
  async admit(model: string, tag: string, values: readonly string[]): Promise<void> {
    for (const value of values) {
      for (let tried = 0; ; tried++) {
        const known = this.entries.get(model)?.segmentValues.get(tag) ?? new Set();
        if (known.has(value) || known.size >= LIMITS.segmentValuesMax) break;
        const n = known.size;
        // A store that was killed may know the token and not the row: then another token.
        const again = tried < ADMISSION_TOKEN_TRIES ? "" : `/${tried}`;
        const token = `s/${model}/${tag}/${n}${again}`;
        await this.deps.store.insert("segment_values", [{ model, tag, n, value }], { token });
        await this.readSegmentValues(model);
      }
    }
  }

  /** Settings as a group was pinned to them; the model is read where it was not. */
  async settingsAt(model: string, pinned: Omit<ModelSettings, "grids">): Promise<ModelSettings> {
    await this.ensure(model);
    const { grids } = await this.gridsUpTo(model, pinned.gridNumber);
    return { ...pinned, grids };
  }

  /** With its document as last read. */
  private enter(model: string): void {
    const entry = this.entries.get(model);
    const document = this.documents.get(model);
    const settings = { ...(entry?.settings ?? DEFAULT_MODEL_SETTINGS), ...document };
    this.entries.set(model, { settings, segmentValues: entry?.segmentValues ?? new Map() });
  }

  private async readGrids(model: string): Promise<void> {
    const read = await this.gridsUpTo(model, Number.POSITIVE_INFINITY);
    const entry = this.entries.get(model);
    if (entry === undefined) return;
    this.entries.set(model, { ...entry, settings: { ...entry.settings, ...read } });
  }

  /** For each feature its newest grid that is not newer than `numberMax`. */
  private async gridsUpTo(
    model: string,
    numberMax: number,
  ): Promise<Pick<ModelSettings, "grids" | "gridNumber">> {
    const grids = new Map<string, FeatureGrid>();
    let gridNumber = 0;
    for (const row of await this.deps.store.query(gridsOfModel, { model })) {
      if (row.grid > numberMax) break;
      const { feature, grid, kind, center, inv_scale: invScale, categories } = row;
      gridNumber = Math.max(gridNumber, grid);
      grids.set(
        feature,
        kind === "numeric" ? { kind, grid, center, invScale } : { kind, grid, categories },
      );
    }
    return { grids, gridNumber };
  }

  private async readSegmentValues(model: string): Promise<void> {
    const segmentValues = new Map<string, Set<string>>();
    for (const { tag, value } of await this.deps.store.query(segmentValuesOfModel, { model })) {
      const values = segmentValues.get(tag) ?? new Set();
      segmentValues.set(tag, values.add(value));
    }
    const entry = this.entries.get(model);
    if (entry !== undefined) this.entries.set(model, { ...entry, segmentValues });
  }
}

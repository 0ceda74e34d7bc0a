/**
 * Onboarding documents: the table `models` is the truth, this is its copy in memory with the one way to
 * change it. Every change is announced; who missed one asks on `driftmend.v1.models`.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { ModelMessage } from "../../contract/messages.ts";
import { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { subjects } from "../../contract/subjects.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Nats } from "../../runtime/nats.ts";
import type { Store } from "../../store/client.ts";
import { documentsStored } from "../../store/queries/analyzer-state.ts";
import { defaultDocument } from "./default-document.ts";
import { checkChange } from "./who-may-change.ts";

export interface KnownModel {
  readonly model: string;
  readonly status: "active" | "retired";
  readonly document: OnboardingDocument;
  /** As it was given, without defaults. */
  readonly given: unknown;
  readonly revision: number;
  readonly updatedMs: number;
  readonly by: string;
}

interface DocumentDeps {
  readonly store: Store;
  readonly nats: Nats;
  readonly clock: Clock;
}

export class ModelDocuments {
  private readonly known = new Map<string, KnownModel>();
  private readonly deps: DocumentDeps;

  constructor(deps: DocumentDeps) {
    this.deps = deps;
  }

  async load(): Promise<void> {
    for (const row of await this.deps.store.query(documentsStored, {})) {
      const { model, status, revision, updated: updatedMs, by } = row;
      const document = OnboardingDocument.parse(row.document);
      this.known.set(model, {
        model,
        status,
        document,
        given: row.document,
        revision,
        updatedMs,
        by,
      });
    }
  }

  /** Null when nobody described the model, or it was retired. */
  get(model: string): KnownModel | null {
    const entry = this.known.get(model);
    return entry?.status === "active" ? entry : null;
  }

  /** The document in force: the given one or the built-in defaults. Null when the model is retired. */
  inForce(model: string): OnboardingDocument | null {
    const entry = this.known.get(model);
    if (entry === undefined) return defaultDocument(model);
    return entry.status === "active" ? entry.document : null;
  }

  revisionOf(model: string): number {
    return this.known.get(model)?.revision ?? 0;
  }

  list(): readonly KnownModel[] {
    return [...this.known.values()];
  }

  /** @throws {DriftmendError} document_of_folder, models_overlap */
  checkPut(document: OnboardingDocument, by: string): void {
    checkChange(document.metadata.name, document, by, this.active());
  }

  /**
   * @param given what the schema parsed to `document`
   * @throws {DriftmendError} document_of_folder, models_overlap
   */
  async put(document: OnboardingDocument, given: unknown, by: string): Promise<KnownModel> {
    this.checkPut(document, by);
    return this.store(document.metadata.name, { status: "active", document, given, by });
  }

  /** @throws {DriftmendError} not_found, document_of_folder */
  async retire(model: string, by: string): Promise<KnownModel> {
    const entry = this.get(model);
    if (entry === null) throw unknownModel(model);
    checkChange(model, null, by, this.active());
    const { document, given } = entry;
    return this.store(model, { status: "retired", document, given, by });
  }

  private active(): readonly KnownModel[] {
    return this.list().filter(({ status }) => status === "active");
  }

  /** What everybody may ask for; retired models have no document. */
  messages(): readonly ModelMessage[] {
    return this.list().map(messageOf);
  }

  private async store(
    model: string,
    change: Pick<KnownModel, "status" | "document" | "given" | "by">,
  ): Promise<KnownModel> {
    const updatedMs = this.deps.clock.nowMs();
    const entry = { model, ...change, revision: this.revisionOf(model) + 1, updatedMs };
    const { status, revision, by } = entry;
    const document = JSON.stringify(change.given);
    await this.deps.store.insert("models", [
      { model, status, document, updated: updatedMs, by, revision, detail: "" },
    ]);
    this.known.set(model, entry);
    this.deps.nats.publish(subjects.model(model), messageOf(entry));
    return entry;
  }
}

/** As it was given: readers parse it with the schema, which fills in the defaults. */
function messageOf(entry: KnownModel): ModelMessage {
  const { model, revision, status } = entry;
  return { model, revision, document: status === "active" ? entry.given : null };
}

export function unknownModel(model: string): DriftmendError {
  return new DriftmendError("not_found", {
    retry: "never",
    message: `Cannot find the model "${model}": it has no document`,
    next: '"driftmend model list" (GET /api/v1/models) lists the models that are known.',
  });
}

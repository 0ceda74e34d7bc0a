/**
 * The watched folder of onboarding documents (GitOps): what stands there is put in force within seconds, a
 * removed file retires its model, and a file that is wrong is told and keeps what holds.
 */
import { createHash } from "node:crypto";
import { describeError } from "../../contract/driftmend-error.ts";
import { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type DocumentFile, documentsOf, readDocumentFiles } from "../../runtime/document-files.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { KnownModel } from "./model-documents.ts";
import { byFile, fileOf } from "./who-may-change.ts";

export interface FolderTarget {
  list(): readonly KnownModel[];
  put(document: OnboardingDocument, given: unknown, by: string): Promise<unknown>;
  retire(model: string, by: string): Promise<unknown>;
}

export interface FolderProblem {
  readonly from: string;
  readonly model: string | null;
  readonly error: string;
  readonly sinceMs: number;
}

export interface FolderState {
  readonly path: string;
  /** Documents of the folder that hold. */
  readonly documents: number;
  readonly problems: readonly FolderProblem[];
  readonly readMs: number | null;
}

interface FolderDeps {
  readonly target: FolderTarget;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class DocumentFolder {
  private readonly path: string;
  private readonly deps: FolderDeps;
  private digest = "";
  private documents = 0;
  private problems: readonly FolderProblem[] = [];
  private readMs: number | null = null;
  private running: Promise<void> = Promise.resolve();
  private isRunning = false;

  constructor(path: string, deps: FolderDeps) {
    this.path = path;
    this.deps = deps;
  }

  /** Looks whether anything changed, and puts it in force; one look at a time. */
  look(): Promise<void> {
    if (this.isRunning) return this.running;
    this.isRunning = true;
    this.running = this.lookNow().finally(() => {
      this.isRunning = false;
    });
    return this.running;
  }

  state(): FolderState {
    const { path, documents, problems, readMs } = this;
    return { path, documents, problems, readMs };
  }

  private async lookNow(): Promise<void> {
    let files: readonly DocumentFile[];
    try {
      files = readDocumentFiles(this.path);
    } catch (error) {
      // A folder that is not there for a moment must not retire a fleet.
      this.tell([{ from: this.path, model: null, error: describeError(error) }]);
      this.digest = "";
      return;
    }
    const digest = createHash("sha256").update(JSON.stringify(files)).digest("hex");
    // What was refused may be taken now: another model's document changed, a training set is there.
    if (digest === this.digest && this.problems.length === 0) return;
    const { documents, failures } = documentsOf(files);
    const problems = failures.map(({ from, model, error }) => ({
      ...{ from, model, error: describeError(error) },
    }));
    const own = this.deps.target
      .list()
      .filter(({ by, status }) => status === "active" && fileOf(by) !== null);
    if (documents.length === 0 && own.length > 0 && failures.length === 0) {
      const error = `it has no document, and ${own.length} came from it: they stay in force; "driftmend model list" shows them`;
      this.tell([...problems, { from: this.path, model: null, error }]);
      return;
    }
    const taken = await this.takeAll(documents, problems);
    await this.retireRemoved(own, documents, problems);
    this.documents = taken;
    this.digest = digest;
    this.readMs = this.deps.clock.nowMs();
    this.tell(problems);
  }

  private async takeAll(
    documents: ReturnType<typeof documentsOf>["documents"],
    problems: Told[],
  ): Promise<number> {
    let taken = 0;
    for (const { model, from, given } of documents) {
      const by = byFile(from);
      const holds = this.deps.target.list().find((known) => known.model === model);
      const same = JSON.stringify(holds?.given) === JSON.stringify(given);
      try {
        if (holds === undefined || holds.status !== "active" || !same || holds.by !== by) {
          await this.deps.target.put(OnboardingDocument.parse(given), given, by);
          this.deps.logger.info({ model, from }, "document of the folder put in force");
        }
        taken++;
      } catch (error) {
        problems.push({ from, model, error: describeError(error) });
      }
    }
    return taken;
  }

  /** A model whose file is wrong stays as it is; one that no file speaks of any more is retired. */
  private async retireRemoved(
    own: readonly KnownModel[],
    documents: ReturnType<typeof documentsOf>["documents"],
    problems: Told[],
  ): Promise<void> {
    const wrong = new Set(problems.map(({ model }) => model));
    const unreadable = problems.some(({ model }) => model === null);
    for (const { model, by } of own) {
      if (documents.some((document) => document.model === model) || wrong.has(model)) continue;
      // It may be the one whose name cannot be read.
      if (unreadable) continue;
      await this.deps.target.retire(model, by);
      this.deps.logger.info({ model, from: fileOf(by) }, "document gone from the folder: retired");
    }
  }

  private tell(problems: readonly Told[]): void {
    const nowMs = this.deps.clock.nowMs();
    this.problems = problems.map((problem) => {
      const before = this.problems.find(
        ({ from, error }) => from === problem.from && error === problem.error,
      );
      if (before !== undefined) return before;
      this.deps.logger.warn(problem, "document of the folder is not taken");
      return { ...problem, sinceMs: nowMs };
    });
  }
}

type Told = Omit<FolderProblem, "sinceMs">;

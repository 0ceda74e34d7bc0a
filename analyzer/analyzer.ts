/**
 * The analyzer without its process: documents, one loop per model, agents that went blind, notifications,
 * all driven by messages and by wall time where it is about processes.
 */
import { HeadMessage, WatermarkMessage } from "../contract/messages.ts";
import type { OnboardingDocument } from "../contract/onboarding-document.ts";
import { subjects } from "../contract/subjects.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Nats } from "../runtime/nats.ts";
import type { Random } from "../runtime/random.ts";
import type { Store } from "../store/client.ts";
import { checkpoints } from "../store/queries/analyzer-state.ts";
import { modelsSeen } from "../store/queries/model-traffic.ts";
import { serverModels } from "../store/queries/server-metrics.ts";
import { blindDraft } from "./alerts/blind-draft.ts";
import { LateActions } from "./alerts/late-actions.ts";
import {
  DocumentFolder,
  type FolderState,
  type FolderTarget,
} from "./documents/document-folder.ts";
import { type KnownModel, ModelDocuments, unknownModel } from "./documents/model-documents.ts";
import { SelfWatch } from "./health/self-watch.ts";
import { Memory } from "./memory.ts";
import { tellWhatFires } from "./notify/catch-up.ts";
import { type NotificationOptions, Notifications } from "./notify/notifications.ts";
import { type Checkpoint, ModelLoop, type ModelLoopDeps } from "./model-loop.ts";
import { learnSpanReference } from "./reference/learn-live.ts";
import { ReferenceCache } from "./reference/reference-cache.ts";
import { type LearntReference, learnTrainingSet } from "./reference/learn-training-set.ts";
import { AgentHeads, BLIND_AFTER_MS } from "./rules/blind-agents.ts";

export interface AnalyzerDeps {
  readonly store: Store;
  readonly nats: Nats;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface AnalyzerOptions extends NotificationOptions {
  /** Folder of our own, whose disk is watched; null: none is. */
  readonly dataDir: string | null;
  /** Folder of onboarding documents that is watched. */
  readonly documentsFolder?: string | undefined;
}

const REPEAT_MS = 2_000;
const BLIND_CHECK_MS = 5_000;
const NOTIFY_MS = 1_000;
const HEALTH_MS = 5_000;
const FOLDER_MS = 2_000;

/** Would outcomes give the same figures under both? */
const isJudgedAlike = (a: OnboardingDocument, b: OnboardingDocument): boolean =>
  JSON.stringify([a.task, a.segments]) === JSON.stringify([b.task, b.segments]);

export class Analyzer {
  readonly documents: ModelDocuments;
  readonly notifications: Notifications;
  readonly references = new ReferenceCache();
  readonly lateActions = new LateActions();
  private readonly health: SelfWatch;
  private readonly deps: AnalyzerDeps;
  private readonly loopDeps: ModelLoopDeps;
  private readonly loops = new Map<string, ModelLoop>();
  private readonly stored = new Map<string, Checkpoint>();
  private readonly heads = new AgentHeads();
  private readonly stops: (() => void)[] = [];
  private checkedMs = 0;
  private readonly folder: DocumentFolder | null;

  constructor(options: AnalyzerOptions, deps: AnalyzerDeps) {
    this.deps = deps;
    this.documents = new ModelDocuments(deps);
    this.folder =
      options.documentsFolder === undefined
        ? null
        : new DocumentFolder(options.documentsFolder, { ...deps, target: this.folderTarget() });
    const { metrics } = deps;
    const seconds = metrics.histogram(
      "evaluation_seconds",
      "Wall time of one evaluation step of a model",
      [0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    );
    const failures = metrics.counter("failures_total", "Evaluations that failed", ["model"]);
    this.notifications = new Notifications(options, {
      ...deps,
      unwell: () => this.health.unwell(),
    });
    this.health = new SelfWatch({
      ...{ ...deps, notifications: this.notifications, dataDir: options.dataDir },
      failures: () => this.failures(),
    });
    this.loopDeps = {
      ...deps,
      notifications: this.notifications,
      documentOf: (model) => this.documents.inForce(model),
      isDescribed: (model) => this.documents.get(model) !== null,
      firstDayOf: (model) => this.firstDayOf(model),
      listeningSinceMs: (model) => this.heads.listeningSinceMs(model, deps.clock.nowMs()),
      onEvaluated: (_model, wallMs) => seconds.observe(wallMs / 1000),
      onFailure: (model) => failures.inc({ model }),
    };
  }

  /** Reads what is stored, then listens. */
  async start(): Promise<void> {
    const { store, nats, clock } = this.deps;
    await this.documents.load();
    this.warnOfUnknownChannels();
    await tellWhatFires({
      ...{ store, notifications: this.notifications },
      documentOf: (model) => this.documents.inForce(model),
    });
    for (const row of await store.query(checkpoints, {})) {
      const memory = Memory.safeParse(row.memory);
      if (!memory.success) {
        this.deps.logger.warn({ model: row.model }, "checkpoint of another version: starting anew");
        continue;
      }
      const { through: throughMs, revision } = row;
      this.stored.set(row.model, { throughMs, memory: memory.data, revision });
    }
    this.stops.push(
      nats.respond(subjects.models, () => [...this.documents.messages()]),
      nats.subscribe(subjects.all("watermark"), WatermarkMessage, (message) => {
        this.loopOf(message.model).takeWatermark(message);
      }),
      nats.subscribe(subjects.all("head"), HeadMessage, ({ spool, models }) => {
        this.heads.hear(spool, models, clock.nowMs());
      }),
      nats.subscribe(subjects.all("head"), HeadMessage, (head) => this.health.hear(head)),
      clock.every(REPEAT_MS, () => {
        for (const loop of this.loops.values()) loop.repeat();
      }),
      clock.every(BLIND_CHECK_MS, () => this.guarded("check agents", () => this.checkAgents())),
      clock.every(HEALTH_MS, () => this.guarded("look at our health", () => this.health.look())),
      clock.every(HEALTH_MS, () =>
        this.guarded("store what people did", () => this.lateActions.store(this.deps)),
      ),
      clock.every(NOTIFY_MS, () => this.guarded("notify", () => this.notifications.tick())),
    );
    const { folder } = this;
    if (folder !== null) {
      await this.guarded("read the folder of documents", () => folder.look());
      this.stops.push(
        clock.every(FOLDER_MS, () =>
          this.guarded("read the folder of documents", () => folder.look()),
        ),
      );
    }
    // Who started earlier and found nobody to ask hears the documents now.
    for (const message of this.documents.messages()) {
      nats.publish(subjects.model(message.model), message);
    }
  }

  /** Stops listening, then waits for the work in hand. */
  async stop(): Promise<void> {
    for (const stop of this.stops.splice(0)) stop();
    await Promise.all([...this.loops.values()].map((loop) => loop.idle()));
    await this.notifications.idle();
    this.notifications.close();
  }

  /** The reference that the document names is read before the document holds. */
  async putDocument(
    document: OnboardingDocument,
    given: unknown,
    by: string,
  ): Promise<{ readonly known: KnownModel; readonly reference: LearntReference | null }> {
    const model = document.metadata.name;
    this.documents.checkPut(document, by);
    this.notifications.routing.check(document.alerts);
    const path = document.reference.training_set;
    const reference = path === undefined ? null : await learnTrainingSet(document, path, this.deps);
    const before = this.documents.inForce(model);
    const known = await this.documents.put(document, given, by);
    this.loops.get(model)?.forgetContext();
    if (before === null || !isJudgedAlike(before, document)) {
      this.loops.get(model)?.judgeOutcomesAgain();
    }
    if (reference !== null) this.deps.nats.publish(subjects.grids(model), { model });
    return { known, reference };
  }

  /** @throws {DriftmendError} not_found */
  async retireDocument(model: string, by: string): Promise<KnownModel> {
    const document = this.documents.inForce(model);
    const known = await this.documents.retire(model, by);
    const loop = this.loopOf(model);
    loop.forgetContext();
    if (document !== null) await loop.endAlerts(document, this.deps.clock.nowMs());
    return known;
  }

  /**
   * A span of the model's own traffic as its reference from now on.
   * @throws {DriftmendError} reference_empty
   */
  async takeReferenceSpan(
    model: string,
    span: { readonly fromMs: number; readonly toMs: number },
  ): Promise<LearntReference> {
    return this.tookReference(model, await learnSpanReference(model, span, this.deps));
  }

  /** @throws {DriftmendError} training_set_unreadable, training_set_unusable */
  async takeReferenceFile(model: string, file: string): Promise<LearntReference> {
    const document = await this.requireModel(model);
    return this.tookReference(model, await learnTrainingSet(document, file, this.deps));
  }

  private tookReference(model: string, reference: LearntReference): LearntReference {
    this.loops.get(model)?.forgetContext();
    this.deps.nats.publish(subjects.grids(model), { model });
    return reference;
  }

  loopOf(model: string): ModelLoop {
    const known = this.loops.get(model);
    if (known !== undefined) return known;
    const loop = new ModelLoop(model, this.stored.get(model) ?? null, this.loopDeps);
    this.loops.set(model, loop);
    return loop;
  }

  private folderTarget(): FolderTarget {
    return {
      list: () => this.documents.list(),
      put: (document, given, by) => this.putDocument(document, given, by),
      retire: (model, by) => this.retireDocument(model, by),
    };
  }

  /** Null where no folder is watched. */
  folderState(): FolderState | null {
    return this.folder?.state() ?? null;
  }

  states(): readonly object[] {
    return [...this.loops.values()].map((loop) => loop.state());
  }

  /** Through where days and weeks are judged. */
  analyzedMs(model: string): number | null {
    return this.loops.get(model)?.analyzedMs ?? null;
  }

  /** Through where minutes are judged: the model's time now, as far as it is stored. */
  watchedMs(model: string): number | null {
    return this.loops.get(model)?.watchedMs ?? null;
  }

  /** Whether the model's time is announced by a replay. */
  isReplayed(model: string): boolean {
    return this.loops.get(model)?.isReplayed ?? false;
  }

  /** @throws {DriftmendError} not_found when the model has neither a document nor traffic */
  async requireModel(model: string): Promise<OnboardingDocument> {
    const document = this.documents.inForce(model);
    const described = this.documents.get(model) !== null;
    if (document === null || (!described && (await this.firstDayOf(model)) === null)) {
      throw unknownModel(model);
    }
    return document;
  }

  private async firstDayOf(model: string): Promise<number | null> {
    const seen = await this.deps.store.query(modelsSeen, {});
    const recorded = seen.find((row) => row.model === model);
    if (recorded !== undefined) return recorded.first;
    const told = await this.deps.store.query(serverModels, {});
    return told.find((row) => row.model === model)?.first ?? null;
  }

  /** Channels may have gone since a document named them: its alerts would stay in the list. */
  private warnOfUnknownChannels(): void {
    for (const { model, document, status } of this.documents.list()) {
      if (status !== "active") continue;
      try {
        this.notifications.routing.check(document.alerts);
      } catch (error) {
        this.deps.logger.warn({ model, err: error }, "alerts of this model cannot be told");
      }
    }
  }

  private failures(): readonly { readonly model: string; readonly error: string }[] {
    return [...this.loops.values()].flatMap(({ model, failure: error }) =>
      error === null || this.documents.inForce(model) === null ? [] : [{ model, error }],
    );
  }

  /** What is tried again in seconds must not end the process. */
  private async guarded(task: string, run: () => Promise<void> | void): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.deps.logger.error({ err: error, task }, "periodic task failed");
    }
  }

  private async checkAgents(): Promise<void> {
    const nowMs = this.deps.clock.nowMs();
    // Who slept heard nobody: heads that came meanwhile are still in the queue.
    const slept = nowMs - this.checkedMs > BLIND_AFTER_MS / 2;
    this.checkedMs = nowMs;
    if (slept) return;
    for (const [model, loop] of this.loops) {
      if (this.documents.inForce(model) === null) continue;
      void loop.storeLate();
      const state = this.heads.stateOf(model, nowMs);
      const isOpen = loop.openAlertKeys.includes("blind-agent/");
      if (state.kind === "unknown" || state.kind === "replaced") continue;
      if ((state.kind === "blind") === isOpen) continue;
      const breach = state.kind === "blind";
      const sinceMs = breach ? state.sinceMs : nowMs;
      // A replay's alerts carry its time; how long the agent is silent does not.
      const atMs = loop.isReplayed ? (loop.watchedMs ?? loop.analyzedMs ?? nowMs) : nowMs;
      const fromMs = loop.isReplayed ? atMs : sinceMs;
      const draft = blindDraft(state, nowMs);
      await loop.observeNow(draft, { breach, fromMs, toMs: atMs }, atMs);
    }
  }
}

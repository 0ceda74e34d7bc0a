/**
 * One model's evaluation as a process: takes the newest watermark, evaluates what closed, stores alerts and
 * a checkpoint, then says how far it is. Work on a model is one at a time; what failed is evaluated again
 * from the last checkpoint, and nothing is told before it is stored.
 */
import type { AnalyzedMessage, WatermarkMessage } from "../contract/messages.ts";
import type { OnboardingDocument } from "../contract/onboarding-document.ts";
import { subjects } from "../contract/subjects.ts";
import { DAY_MS } from "../contract/window.ts";
import type { Nats } from "../runtime/nats.ts";
import { trafficDays } from "../store/queries/model-traffic.ts";
import { closeDay } from "./advance.ts";
import { type AlertDraft, type AlertRevision, endAll } from "./alerts/alert-book.ts";
import type { Observation } from "./alerts/episode.ts";
import { alertMessage, storeAlertRevisions } from "./alerts/store-alerts.ts";
import { surroundingsOf } from "./alerts/surroundings.ts";
import {
  Evaluation,
  type ModelContext,
  type ReadAhead,
  type StageDeps,
  emptyReadAhead,
} from "./evaluation.ts";
import { EMPTY_MEMORY, type Memory } from "./memory.ts";
import { type Goal, type Progress, type Step, goalOf, nextStep } from "./next-step.ts";
import type { Notifications } from "./notify/notifications.ts";
import { planStart } from "./plan-start.ts";
import { type VainSearch, afterSearch, isSearchDue } from "./reference/grid-search.ts";
import { LOOKED_BACK_DAYS, learnLiveGrids, learnLiveReference } from "./reference/learn-live.ts";
import { loadReference } from "./reference/load-reference.ts";
import { readGrids } from "./reference/store-grids.ts";
import { evaluateMinutes } from "./stages/minutes.ts";

export interface ModelLoopDeps extends StageDeps {
  readonly nats: Nats;
  readonly notifications: Notifications;
  /** Null when the model is retired. */
  readonly documentOf: (model: string) => OnboardingDocument | null;
  /** False when the document is the built-in one. */
  readonly isDescribed: (model: string) => boolean;
  /** Start of the first day with traffic; null without any. */
  readonly firstDayOf: (model: string) => Promise<number | null>;
  /** Wall time since when agents were heard that would carry the model's requests; null: none is. */
  readonly listeningSinceMs: (model: string) => number | null;
  readonly onEvaluated: (model: string, wallMs: number) => void;
  readonly onFailure: (model: string) => void;
}

export interface Checkpoint {
  readonly throughMs: number;
  readonly memory: Memory;
  readonly revision: number;
}

export class ModelLoop {
  readonly model: string;
  private readonly deps: ModelLoopDeps;
  private memory: Memory;
  /** Null before there was traffic. */
  private progress: Progress | null;
  private checkpointRevision: number;
  private clock: WatermarkMessage["clock"] = "wall";
  private goal: { readonly to: Goal; readonly latenessMs: number } | null = null;
  private saidMs: number | null = null;
  private context: ModelContext | null = null;
  private readonly readAhead: ReadAhead = emptyReadAhead();
  /** Work on this model, one after another. */
  private work: Promise<void> = Promise.resolve();
  private pending = false;
  private vainSearch: VainSearch = null;
  private lastError: string | null = null;
  /** Told, but not stored yet: the database was away. */
  private unstored: readonly AlertRevision[] = [];

  constructor(model: string, checkpoint: Checkpoint | null, deps: ModelLoopDeps) {
    this.model = model;
    this.deps = deps;
    this.memory = checkpoint?.memory ?? EMPTY_MEMORY;
    this.progress = checkpoint === null ? null : progressOf(checkpoint);
    this.checkpointRevision = checkpoint?.revision ?? 0;
  }

  /** For `GET /api/v1/self`. */
  state(): object {
    return {
      model: this.model,
      clock: this.clock,
      throughMs: this.progress?.windowsMs ?? null,
      targetMs: this.goal?.to.windowsMs ?? null,
      minutesThroughMs: this.progress?.minutesMs ?? null,
      minutesTargetMs: this.goal?.to.minutesMs ?? null,
      openAlerts: Object.keys(this.memory.alerts),
      breaks: this.memory.breaks.map(({ id }) => id),
      lastError: this.lastError,
    };
  }

  get analyzedMs(): number | null {
    return this.saidMs;
  }

  /** Through where minutes are judged: the model's time now, as far as it is stored. */
  get watchedMs(): number | null {
    return this.progress?.minutesMs ?? null;
  }

  /** Why the last evaluation failed; null when it did not. */
  get failure(): string | null {
    return this.lastError;
  }

  get openAlertKeys(): readonly string[] {
    return Object.keys(this.memory.alerts);
  }

  get isReplayed(): boolean {
    return this.clock === "replay";
  }

  /** Documents, grids or the reference changed: read them again before the next window. */
  forgetContext(): void {
    this.context = null;
  }

  /** What outcomes mean changed, as with another task: days that were judged are judged again. */
  judgeOutcomesAgain(): void {
    void this.enqueue(() => {
      this.memory = { ...this.memory, dayOutcomes: {} };
      return Promise.resolve();
    });
  }

  /** Takes a watermark; older ones that were not looked at yet are superseded. */
  takeWatermark(message: WatermarkMessage): void {
    const document = this.deps.documentOf(this.model);
    if (document === null) return;
    this.clock = message.clock;
    const { lateness } = document.labels;
    this.goal = { to: goalOf(message.watermarkMs, lateness), latenessMs: lateness };
    if (this.pending) return;
    this.pending = true;
    void this.enqueue(async () => {
      this.pending = false;
      await this.catchUp();
    });
  }

  /**
   * Lets a rule of wall time, such as a blind agent, speak in turn. It needs nothing from the database, so what it
   * said holds at once: it must end, and be told as ended, though the database was away all the time.
   */
  observeNow(draft: AlertDraft, seen: Observation, atMs: number): Promise<void> {
    return this.enqueue(async () => {
      const context = this.context ?? this.bareContext();
      const evaluation = new Evaluation(context, this.memory, this.readAhead);
      evaluation.observe(draft, seen, atMs);
      await this.tell(evaluation.revisions, context.document);
      this.memory = evaluation.memory;
      this.unstored = [...this.unstored, ...evaluation.revisions];
      await this.commit(null, this.progress, { closed: false });
    });
  }

  /** Ends what is open, as the model is retired: nobody looks any more whether it is over. */
  endAlerts(document: OnboardingDocument, atMs: number): Promise<void> {
    return this.enqueue(async () => {
      const revisions = endAll(this.memory.alerts, this.model, this.watchedMs ?? atMs);
      await this.tell(revisions, document);
      this.memory = { ...this.memory, alerts: {} };
      this.unstored = [...this.unstored, ...revisions];
      this.lastError = null;
      await this.commit(null, this.progress, { closed: false });
    });
  }

  /** Ends a quarantine by hand; true when it was open. */
  async release(id: string): Promise<boolean> {
    let wasOpen = false;
    await this.enqueue(async () => {
      wasOpen = this.memory.quarantined.some((entry) => entry.id === id);
      this.memory = {
        ...this.memory,
        breaks: this.memory.breaks.map((entry) =>
          entry.id === id ? { ...entry, released: true } : entry,
        ),
        quarantined: this.memory.quarantined.filter((entry) => entry.id !== id),
      };
      if (this.progress !== null) await this.storeCheckpoint(this.progress);
    });
    return wasOpen;
  }

  /** Says again how far the model is. */
  repeat(): void {
    if (this.saidMs !== null) this.say(this.saidMs);
  }

  /** Resolves when nothing is being worked on. */
  idle(): Promise<void> {
    return this.work;
  }

  private enqueue(task: () => Promise<void>): Promise<void> {
    const run = this.work.then(task).catch((error: unknown) => {
      this.lastError = error instanceof Error ? error.message : String(error);
      this.deps.onFailure(this.model);
      this.deps.logger.error({ err: error, model: this.model }, "model was not evaluated");
    });
    this.work = run;
    return run;
  }

  private async catchUp(): Promise<void> {
    if (this.goal === null) return;
    const { to, latenessMs } = this.goal;
    this.progress ??= await this.begin(to);
    while (this.progress !== null) {
      const step = nextStep(this.progress, to, latenessMs);
      if (step === null) break;
      const startedMs = this.deps.clock.monotonicMs();
      const evaluation = await this.take(step, this.progress);
      await this.commit(evaluation, step.after, {
        closed: step.dayEndMs !== null || step.minutesToMs % DAY_MS === 0,
      });
      this.progress = step.after;
      this.lastError = null;
      this.deps.onEvaluated(this.model, this.deps.clock.monotonicMs() - startedMs);
      this.say(step.after.windowsMs);
    }
    // A lateness that was raised takes nothing back.
    this.say(Math.max(to.windowsMs, this.progress?.windowsMs ?? to.windowsMs));
  }

  /** Null while there is no traffic. */
  private async begin(to: Goal): Promise<Progress | null> {
    const startMs = planStart(await this.deps.firstDayOf(this.model), to);
    return startMs === null ? null : { minutesMs: startMs, windowsMs: startMs };
  }

  private async take(step: Step, from: Progress): Promise<Evaluation> {
    const evaluation = await this.evaluationNow();
    await evaluateMinutes(evaluation, from.minutesMs, step.minutesToMs, this.deps);
    if (step.dayEndMs !== null) await closeDay(evaluation, step.dayEndMs, this.deps);
    evaluation.memory = { ...evaluation.memory, minutesThroughMs: step.minutesToMs };
    await this.learnReference(step);
    return evaluation;
  }

  private async evaluationNow(): Promise<Evaluation> {
    const context = await this.contextNow();
    if (this.isReplayed) return new Evaluation(context, this.memory, this.readAhead);
    const sinceMs = this.deps.listeningSinceMs(this.model);
    return new Evaluation(context, this.memory, this.readAhead, sinceMs);
  }

  private async contextNow(): Promise<ModelContext> {
    if (this.context !== null) return this.context;
    const bare = this.bareContext();
    const grids = await readGrids(this.model, this.deps.store);
    const reference = await loadReference(this.model, grids, this.deps.store);
    this.context = { ...bare, grids, reference };
    return this.context;
  }

  /** Without what is read from the database. */
  private bareContext(): ModelContext {
    const { model } = this;
    const document = this.deps.documentOf(model);
    if (document === null) throw new Error(`Cannot evaluate "${model}": it was retired`);
    const isDescribed = this.deps.isDescribed(model);
    return { model, document, isDescribed, grids: new Map(), reference: null };
  }

  /** Models that were given no reference learn one from their own first days. */
  private async learnReference({ minutesToMs, dayEndMs }: Step): Promise<void> {
    const { document, reference, grids } = await this.contextNow();
    if (reference !== null || document.reference.training_set !== undefined) return;
    const { model } = this;
    if (grids.size === 0) {
      if (!isSearchDue(this.vainSearch, minutesToMs)) return;
      const days = await this.deps.store.query(trafficDays, {
        ...{ model, fromMs: minutesToMs - LOOKED_BACK_DAYS * DAY_MS, toMs: minutesToMs },
      });
      const rows = days.reduce((sum, row) => sum + (row.segment_tag === "" ? row.n : 0), 0);
      const found = await learnLiveGrids(model, rows, this.deps);
      this.vainSearch = afterSearch(rows, found, minutesToMs);
      if (found) {
        this.forgetContext();
        this.deps.nats.publish(subjects.grids(model), { model });
      }
      return;
    }
    if (dayEndMs === null) return;
    if (await learnLiveReference(model, dayEndMs, this.deps)) this.forgetContext();
  }

  /**
   * Writes down what is to be told before it stores, so that a page goes out while the database is down. A
   * crash in between tells nothing twice: evaluated again, a window gives the same ids and revisions.
   * @param evaluation null: what came out of it was told already
   */
  private async commit(
    evaluation: Evaluation | null,
    progress: Progress | null,
    { closed }: { readonly closed: boolean },
  ): Promise<void> {
    if (evaluation !== null) await this.tell(evaluation.revisions, evaluation.context.document);
    const revisions = [...this.unstored, ...(evaluation?.revisions ?? [])];
    await storeAlertRevisions(revisions, this.deps);
    this.unstored = [];
    if (evaluation !== null) this.memory = evaluation.memory;
    if (progress !== null && (revisions.length > 0 || closed)) {
      await this.storeCheckpoint(progress);
    }
    for (const revision of revisions) {
      this.deps.logger.info(
        { model: this.model, alert: revision.id, state: revision.state },
        revision.draft.title,
      );
      this.deps.nats.publish(subjects.alert(this.model), alertMessage(revision));
    }
  }

  private tell(revisions: readonly AlertRevision[], document: OnboardingDocument): Promise<void> {
    return this.deps.notifications.tell(revisions, document, (revision) =>
      surroundingsOf({ ...revision, toMs: revision.toMs ?? revision.atMs }, this.deps.store),
    );
  }

  /** Stores what was told while the database was away. */
  storeLate(): Promise<void> {
    if (this.unstored.length === 0) return Promise.resolve();
    return this.enqueue(() => this.commit(null, this.progress, { closed: false }));
  }

  private async storeCheckpoint(progress: Progress): Promise<void> {
    this.checkpointRevision++;
    await this.deps.store.insert("analyzer_checkpoints", [
      {
        model: this.model,
        through: progress.windowsMs,
        memory: JSON.stringify(this.memory),
        revision: this.checkpointRevision,
      },
    ]);
  }

  private say(throughMs: number): void {
    this.saidMs = throughMs;
    const message: AnalyzedMessage = { model: this.model, clock: this.clock, throughMs };
    this.deps.nats.publish(subjects.analyzed(this.model), message);
  }
}

const progressOf = ({ throughMs, memory }: Checkpoint): Progress => ({
  minutesMs: memory.minutesThroughMs ?? throughMs,
  windowsMs: throughMs,
});

/**
 * One model's loop: everything that is due at a model time, in the order of model time, one thing at a
 * time. Commands of people wait for the step at work, never for a whole training: they stop it.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { AnalyzedMessage } from "../../contract/messages.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { Check } from "../../contract/run.ts";
import { nextDueMs } from "../policy/probe.ts";
import { readTrigger } from "../policy/threshold.ts";
import { adoptChampion } from "./adopt-champion.ts";
import { type ModelContext, type RetrainerDeps, modelContext } from "./deps.ts";
import { type DriveControl, driveRun } from "./drive-run.ts";
import { finishCheck, modeAt } from "./finish-check.ts";
import { lookAt, planAt } from "./look.ts";
import { probe } from "./probe-check.ts";
import { checkId } from "./run-identity.ts";
import { thresholdFinding, windowsOf } from "./threshold-check.ts";

interface Cancellation {
  readonly by: string;
  readonly reason: string;
}

export class ModelLoop {
  readonly #deps: RetrainerDeps;
  readonly model: string;
  #document: OnboardingDocument | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #throughMs: number | null = null;
  #clock: AnalyzedMessage["clock"] = "wall";
  #work = new AbortController();
  #cancelled: Cancellation | null = null;

  constructor(model: string, deps: RetrainerDeps) {
    this.model = model;
    this.#deps = deps;
  }

  get document(): OnboardingDocument | null {
    return this.#document;
  }

  /** Model time up to which the analyzer has come; null before it said so. */
  get throughMs(): number | null {
    return this.#throughMs;
  }

  /** The model's time as far as it is known; the wall's before anything was said. */
  nowMs(): number {
    return this.#throughMs ?? this.#deps.clock.nowMs();
  }

  /** @throws {DriftmendError} not_found where the model has no document */
  context(): ModelContext {
    if (this.#document !== null) return modelContext(this.#document, this.#deps.dataFolder);
    throw new DriftmendError("not_found", {
      retry: "never",
      message: `Cannot find an onboarding document of "${this.model}"`,
      next: '"driftmend model apply -f FILE" gives it one.',
    });
  }

  setDocument(document: OnboardingDocument | null): void {
    this.#document = document;
  }

  /** Whose time `throughMs` is. */
  get clock(): AnalyzedMessage["clock"] {
    return this.#clock;
  }

  /** Takes the analyzer's word; says whether it is news. A replay's clock begins anew, usually earlier. */
  heard({ clock, throughMs }: AnalyzedMessage): boolean {
    const isNews = clock !== this.#clock || throughMs > (this.#throughMs ?? -1);
    if (isNews) this.#throughMs = throughMs;
    this.#clock = clock;
    return isNews;
  }

  /** Runs `work` after what is at work; a failure of one does not reach the next. */
  enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  /** Tries to adopt what serves; says whether a champion is known. */
  async adopt(): Promise<boolean> {
    if (this.#document === null) return false;
    await adoptChampion(this.context(), this.nowMs(), this.#deps);
    return this.#deps.journal.registry.champion(this.model) !== null;
  }

  /** Does all that is due up to `throughMs`. @throws what passes by itself */
  async advance(throughMs: number): Promise<void> {
    if (this.#document === null) return;
    const { journal } = this.#deps;
    if (journal.switches.cursor(this.model, this.#began) === null) {
      journal.switches.setCursor(this.model, this.#began, throughMs);
    }
    await this.#resume(throughMs);
    await this.#checks(throughMs);
  }

  /** Name of the cursor at which this clock's time began for us. */
  get #began(): string {
    return `began/${this.#clock}`;
  }

  /** Ends the run at work, which is done where a step allows it. */
  cancel(by: string, reason: string): void {
    this.#cancelled = { by, reason };
    this.#work.abort();
  }

  /** Stops a probe that is at work, which is made again later. */
  interrupt(): void {
    this.#work.abort();
    this.#work = new AbortController();
  }

  /** Stops what is at work for a restart: the run goes on later. */
  stop(): void {
    this.#work.abort();
  }

  /** Drives the active run of the model, if there is one. */
  async drive(): Promise<void> {
    const run = this.#deps.journal.runs.active(this.model);
    if (run === null) {
      if (this.#cancelled !== null) this.#work = new AbortController();
      this.#cancelled = null;
      return;
    }
    const cancelled = this.#cancelled !== null;
    if (cancelled) this.#work = new AbortController();
    const context = this.context();
    const nowMs = (): number => Math.max(run.createdAtMs, this.nowMs());
    const control: DriveControl = {
      nowMs,
      paused: () => modeAt(context, nowMs(), this.#deps) === "paused",
      signal: this.#work.signal,
      cancelled: () => this.#cancelled,
    };
    try {
      await driveRun(context, run, control, this.#deps);
    } finally {
      if (this.#deps.journal.runs.active(this.model) === null && this.#cancelled !== null) {
        this.#cancelled = null;
        this.#work = new AbortController();
      }
    }
  }

  async #resume(throughMs: number): Promise<void> {
    await this.drive();
    if (this.#deps.journal.registry.champion(this.model) !== null) return;
    try {
      await this.adopt();
    } catch (error) {
      this.#deps.logger.warn({ err: error, model: this.model, throughMs }, "no champion yet");
    }
  }

  async #checks(throughMs: number): Promise<void> {
    const context = this.context();
    for (const trigger of context.document.retrain.when) {
      if ("probe" in trigger) {
        const { every, gain } = trigger.probe;
        await this.#probeDue({ every, gain, throughMs });
      } else {
        await this.#thresholdDue(trigger.threshold, throughMs);
      }
    }
  }

  /** The newest moment that is due; older ones that nobody was there for are not made up. */
  async #probeDue(due: { every: number; gain: number; throughMs: number }): Promise<void> {
    const { journal, clock, logger } = this.#deps;
    const trigger = `probe every ${due.every / 86_400_000} d, gain ${due.gain}`;
    const began = journal.switches.cursor(this.model, this.#began) ?? due.throughMs;
    const after = Math.max(began, journal.runs.lastCheckMs(this.model, trigger) ?? began);
    const atMs = nextDueMs(due.throughMs, due.every) - due.every;
    if (atMs <= after) return;
    const startedMs = clock.monotonicMs();
    const check = await this.#probe(trigger, atMs, due.gain);
    logger.info({ check, ms: clock.monotonicMs() - startedMs }, "check");
    if (check.runId !== null) await this.drive();
  }

  async #probe(trigger: string, atMs: number, gain: number): Promise<Check> {
    const context = this.context();
    const { journal } = this.#deps;
    const champion = journal.registry.champion(this.model);
    const active = journal.runs.active(this.model);
    const unable = (reason: string): Check => {
      const finding = { kind: "unable" as const, reason, numbers: {} };
      return finishCheck(
        context,
        { atMs, trigger, finding, look: null, artifact: null },
        this.#deps,
      );
    };
    if (active !== null) return unable(`Run "${active.id}" is under way and only one may be`);
    if (champion === null) return unable("No champion is known to compare a refit with");
    const id = checkId(this.model, atMs, trigger);
    const ask = { id, atMs, gain, champion };
    const probed = await probe(context, ask, this.#work.signal, this.#deps);
    const { finding, look, artifact } = probed;
    const finished = { atMs, trigger, finding, look, artifact: artifact?.folder ?? null };
    return finishCheck(context, finished, this.#deps);
  }

  async #thresholdDue(text: string, throughMs: number): Promise<void> {
    const { journal } = this.#deps;
    const threshold = readTrigger(text);
    const context = this.context();
    const windows = await windowsOf(context, threshold, throughMs, this.#deps);
    const began = journal.switches.cursor(this.model, this.#began) ?? throughMs;
    const after = journal.runs.lastCheckMs(this.model, threshold.text) ?? began;
    for (const [i, { toMs }] of windows.entries()) {
      if (toMs <= after) continue;
      const finding = await thresholdFinding(
        context,
        threshold,
        windows.slice(0, i + 1),
        this.#deps,
      );
      const plan = planAt(context, context.document.retrain.window.choose[0] ?? "all", toMs);
      const look = await lookAt(context, plan, this.#deps.store);
      const check = finishCheck(
        context,
        { atMs: toMs, trigger: threshold.text, finding, look, artifact: null },
        this.#deps,
      );
      if (check.runId !== null) await this.drive();
    }
  }
}

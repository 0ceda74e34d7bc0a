/**
 * All models' loops behind the messages: documents come from the analyzer, `analyzed` says how far a model
 * has come, and `settled` answers when nothing that belongs to that time is left to do.
 */
import { z } from "zod";
import { AnalyzedMessage, ModelMessage, type SettledMessage } from "../../contract/messages.ts";
import { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { subjects } from "../../contract/subjects.ts";
import type { Nats } from "../../runtime/nats.ts";
import { noteErasures } from "../projections/note-erasures.ts";
import type { Projector } from "../projections/projector.ts";
import type { RetrainerDeps } from "./deps.ts";
import { ModelLoop } from "./model-loop.ts";

/** How often erasures are looked for. */
const NOTE_MS = 15_000;
const REPEAT_MS = 2_000;
const ASK_MS = 1_000;
const ASK_TIMEOUT_MS = 2_000;
const RETRY_MS = 500;
const RETRY_MS_MAX = 30_000;

export class Retrainer {
  readonly #nats: Nats;
  readonly #projector: Projector;
  readonly #deps: RetrainerDeps;
  readonly #loops = new Map<string, ModelLoop>();
  readonly #settled = new Map<string, SettledMessage>();
  readonly #working = new Set<string>();
  readonly #adopting = new Set<string>();
  readonly #stops: (() => void)[] = [];
  /** Aborted when the process stops: ends every wait. */
  readonly #stopped = new AbortController();
  #ready = false;
  #notedToMs = 0;

  constructor(nats: Nats, projector: Projector, deps: RetrainerDeps) {
    this.#nats = nats;
    this.#projector = projector;
    this.#deps = deps;
  }

  /** Listens; nothing is done before the analyzer has said which documents there are. */
  start(): void {
    this.#stops.push(
      this.#nats.subscribe(subjects.all("model"), ModelMessage, (message) => this.#take(message)),
      this.#nats.subscribe(subjects.all("analyzed"), AnalyzedMessage, (message) => {
        if (this.loop(message.model).heard(message)) this.kick(message.model);
      }),
      this.#deps.clock.every(REPEAT_MS, () => {
        for (const message of this.#settled.values()) this.#publish(message);
      }),
    );
    this.#stops.push(this.#deps.clock.every(NOTE_MS, () => this.#noteErasures()));
    void this.#askForDocuments();
  }

  /** What the collector erased, into the audit log. */
  async #noteErasures(): Promise<void> {
    const { journal, store, logger } = this.#deps;
    try {
      this.#notedToMs = await noteErasures(journal, store, this.#notedToMs);
      await this.#flush();
    } catch (error) {
      logger.warn({ err: error }, "erasures are not in the audit log yet");
    }
  }

  /** The loop of a model; one that nobody spoke of has no document and no time. */
  loop(model: string): ModelLoop {
    const known = this.#loops.get(model) ?? new ModelLoop(model, this.#deps);
    this.#loops.set(model, known);
    return known;
  }

  loops(): readonly ModelLoop[] {
    return [...this.#loops.values()];
  }

  settledMs(model: string): number | null {
    return this.#settled.get(model)?.throughMs ?? null;
  }

  isReady(): boolean {
    return this.#ready;
  }

  /** Does what is due of a model, if nobody is at it. */
  kick(model: string): void {
    if (!this.#ready || this.#isStopped || this.#working.has(model)) return;
    this.#working.add(model);
    void this.#work(this.loop(model)).finally(() => {
      this.#working.delete(model);
      // A message may have come between the last look and now.
      if (!this.#isSettled(this.loop(model))) this.kick(model);
    });
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error("stopped"));
    for (const stop of this.#stops) stop();
    for (const loop of this.#loops.values()) loop.stop();
    await Promise.allSettled(this.loops().map((loop) => loop.enqueue(() => Promise.resolve())));
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #askForDocuments(): Promise<void> {
    while (!this.#isStopped) {
      const answer = z.array(ModelMessage);
      const documents = await this.#nats.request(subjects.models, answer, ASK_TIMEOUT_MS);
      if (documents !== null) {
        for (const message of documents) this.#take(message);
        this.#ready = true;
        for (const { model } of this.loops()) this.kick(model);
        return;
      }
      await this.#sleep(ASK_MS);
    }
  }

  #take(message: ModelMessage): void {
    const parsed = OnboardingDocument.safeParse(message.document);
    if (message.document !== null && !parsed.success) {
      const reason = z.prettifyError(parsed.error);
      this.#deps.logger.error({ model: message.model, reason }, "a document cannot be read");
    }
    const loop = this.loop(message.model);
    loop.setDocument(parsed.success ? parsed.data : null);
    void this.#adoptUntilKnown(loop);
  }

  /** Adoption is not bound to the model's time: a model may be asked for before it has any. */
  async #adoptUntilKnown(loop: ModelLoop): Promise<void> {
    if (this.#adopting.has(loop.model)) return;
    this.#adopting.add(loop.model);
    let waitMs = RETRY_MS;
    while (!this.#isStopped && loop.document?.rollout !== undefined) {
      try {
        if (await loop.enqueue(() => loop.adopt())) break;
      } catch (error) {
        const { logger } = this.#deps;
        logger.warn({ err: error, model: loop.model }, "no champion yet; trying again");
      }
      await this.#sleep(waitMs);
      waitMs = Math.min(waitMs * 2, RETRY_MS_MAX);
    }
    this.#adopting.delete(loop.model);
    await this.#flush();
  }

  async #work(loop: ModelLoop): Promise<void> {
    const { model } = loop;
    let waitMs = RETRY_MS;
    while (!this.#isStopped) {
      const { clock, throughMs } = loop;
      if (throughMs === null) return;
      try {
        await loop.enqueue(() => loop.advance(throughMs));
        await this.#flush();
        const message: SettledMessage = { model, clock, throughMs };
        this.#settled.set(model, message);
        this.#publish(message);
        if (this.#isSettled(loop)) return;
        waitMs = RETRY_MS;
      } catch (error) {
        if (this.#isStopped) return;
        this.#deps.logger.warn({ err: error, model, waitMs }, "not settled; trying again");
        await this.#sleep(waitMs);
        waitMs = Math.min(waitMs * 2, RETRY_MS_MAX);
      }
    }
  }

  /** The tables may be behind the journal; the next flush brings what this one could not. */
  async #flush(): Promise<void> {
    await this.#projector.flush().catch((error: unknown) => {
      this.#deps.logger.warn({ err: error }, "the tables are behind the journal");
    });
  }

  /** True too where the analyzer has said nothing yet. */
  #isSettled(loop: ModelLoop): boolean {
    const settled = this.#settled.get(loop.model);
    if (loop.throughMs === null) return true;
    return settled?.clock === loop.clock && settled.throughMs === loop.throughMs;
  }

  #publish(message: SettledMessage): void {
    this.#nats.publish(subjects.settled(message.model), message);
  }

  async #sleep(durationMs: number): Promise<void> {
    await this.#deps.clock.sleep(durationMs, this.#stopped.signal).catch(() => undefined);
  }
}

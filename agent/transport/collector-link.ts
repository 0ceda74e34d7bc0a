/**
 * What agent and collector tell each other over NATS: the agent its head, the collector what is stored and
 * what it wants again; and onboarding documents from the analyzer. Heads are repeated, so nobody depends on
 * having heard one. Without NATS the agent goes on taking requests in.
 */
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import { HeadMessage, ModelMessage, StoredMessage, WantMessage } from "../../contract/messages.ts";
import { shardOfSpool, subjects } from "../../contract/subjects.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { connectNats, type Nats } from "../../runtime/nats.ts";
import type { AgentCounters } from "../agent-counters.ts";
import { CaptureDocument, type FeatureRules } from "../columns/feature-rules.ts";
import type { ScrapeOwner } from "../server-metrics/scrape-owner.ts";
import type { Spool } from "../spool/spool.ts";
import { Publisher } from "./publisher.ts";
import { RecentModels } from "./recent-models.ts";

export interface LinkOptions {
  readonly natsUrl: string;
  readonly shards: number;
  /** Of a backlog, on its way at once. */
  readonly backlogBytesMax: number;
  /** Whether this agent reads the endpoints of documents. */
  readonly scrapes: boolean;
}

export interface LinkDeps {
  readonly spool: Spool;
  readonly rules: FeatureRules;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: AgentCounters;
  /** Documents have changed. */
  readonly onRules: () => void;
  /** Who else reads endpoints of documents. */
  readonly scrapeOwner: ScrapeOwner;
  /** There is a connection, which comes back by itself from now on. */
  readonly onConnected: (nats: Nats) => void;
}

const CONNECT_BACKOFF_MS_MAX = 2_000;
const MODELS_TIMEOUT_MS = 1_000;

export class CollectorLink {
  private readonly options: LinkOptions;
  private readonly deps: LinkDeps;
  private readonly publisher: Publisher;
  private readonly models = new RecentModels();
  private readonly stopping = new AbortController();
  private nats: Nats | null = null;
  private unsubscribe: (() => void)[] = [];
  private knowsDocuments = false;
  private stopTicking: () => void = () => undefined;

  constructor(options: LinkOptions, deps: LinkDeps) {
    this.options = options;
    this.deps = deps;
    const { backlogBytesMax } = options;
    this.publisher = new Publisher({ ...deps, backlogBytesMax, shard: () => this.shard() });
  }

  get isConnected(): boolean {
    return this.nats?.isConnected() ?? false;
  }

  get publishedThrough(): number {
    return this.publisher.publishedThrough;
  }

  /** Connects in the background, for as long as it takes. */
  start(): void {
    this.stopTicking = this.deps.clock.every(LIMITS.headPeriodMs, () => this.tick());
    this.connect().catch((error: unknown) => {
      if (!this.stopping.signal.aborted) this.deps.logger.error({ err: error }, "link failed");
    });
  }

  /** Frames with these models were spooled. */
  spooled(models: readonly string[]): void {
    this.models.add(models, this.deps.clock.nowMs());
    this.publisher.wake();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.stopTicking();
    await this.publisher.stop();
    await this.nats?.close();
  }

  private shard(): number {
    return shardOfSpool(this.deps.spool.id, this.options.shards);
  }

  private async connect(): Promise<void> {
    const { signal } = this.stopping;
    const { clock, logger } = this.deps;
    for (let backoffMs = 100; this.nats === null; ) {
      signal.throwIfAborted();
      try {
        const url = this.options.natsUrl;
        this.nats = await connectNats({ url, name: "driftmend-agent" }, { logger });
      } catch (error) {
        logger.debug({ err: error }, "NATS is away; the spool keeps what comes");
        await clock.sleep(backoffMs, signal);
        backoffMs = Math.min(backoffMs * 2, CONNECT_BACKOFF_MS_MAX);
      }
    }
    this.listen(this.nats);
    this.deps.onConnected(this.nats);
    this.publisher.start(this.nats.jetstream);
    void this.watchReconnects(this.nats);
    await this.tick();
  }

  private listen(nats: Nats): void {
    for (const unsubscribe of this.unsubscribe) unsubscribe();
    const { spool, logger } = this.deps;
    this.unsubscribe = [
      nats.subscribe(subjects.stored(spool.id), StoredMessage, (message) => this.onStored(message)),
      nats.subscribe(subjects.want(spool.id), WantMessage, ({ spool: name, fromSeq }) => {
        if (name !== spool.id) return;
        if (fromSeq <= spool.storedThrough) {
          logger.warn({ fromSeq, storedThrough: spool.storedThrough }, "stored frames are wanted");
        }
        this.publisher.goBackTo(fromSeq);
      }),
      nats.subscribe(subjects.all("model"), ModelMessage, (message) => this.onModel(message)),
      nats.subscribe(subjects.all("head"), HeadMessage, (head) => this.onHead(head)),
    ];
  }

  private async watchReconnects(nats: Nats): Promise<void> {
    for await (const status of nats.connection.status()) {
      if (status.type === "disconnect") this.deps.scrapeOwner.lost();
      if (status.type !== "reconnect") continue;
      this.publisher.goBackTo(this.deps.spool.storedThrough + 1);
      // What changed meanwhile was not heard.
      this.knowsDocuments = false;
      this.sendHead();
    }
  }

  private async onStored({ spool: name, storedThrough }: StoredMessage): Promise<void> {
    const { spool, counters, logger } = this.deps;
    if (name !== spool.id) return;
    const ours = spool.unconfirmedFrom ?? spool.nextSeq;
    if (storedThrough >= ours) {
      await spool.becomeAnother();
      this.publisher.startOver();
      if (this.nats !== null) this.listen(this.nats);
      this.sendHead();
      return;
    }
    const newly = storedThrough - spool.storedThrough;
    if (spool.unconfirmedFrom !== null) {
      await spool.confirm();
      this.publisher.wake();
    }
    if (newly <= 0) return;
    counters.frames("stored", newly);
    await spool.markStored(storedThrough);
    this.publisher.stored(storedThrough);
    if (spool.unstoredFrames === 0) this.sendHead();
    logger.debug({ storedThrough }, "stored");
  }

  private async tick(): Promise<void> {
    if (!this.isConnected) return;
    this.sendHead();
    this.deps.scrapeOwner.look(this.deps.clock.nowMs());
    if (!this.knowsDocuments) await this.fetchDocuments();
  }

  private sendHead(): void {
    const { spool, clock } = this.deps;
    const nowMs = clock.nowMs();
    const head: HeadMessage = {
      spool: spool.id,
      shard: this.shard(),
      nextSeq: spool.nextSeq,
      storedThrough: spool.storedThrough,
      oldestUnstoredMs: spool.oldestUnstoredMs,
      models: this.models.since(nowMs),
      scrapes: this.options.scrapes,
      sentMs: nowMs,
    };
    this.nats?.publish(subjects.head(spool.id), head);
  }

  private onHead({ spool, scrapes }: HeadMessage): void {
    if (scrapes === true) this.deps.scrapeOwner.hear(spool, this.deps.clock.nowMs());
  }

  private async fetchDocuments(): Promise<void> {
    const all = await this.nats?.request(subjects.models, z.array(ModelMessage), MODELS_TIMEOUT_MS);
    if (all === undefined || all === null) return;
    this.knowsDocuments = true;
    for (const message of all) this.onModel(message);
  }

  private onModel({ model, document }: ModelMessage): void {
    const parsed = document === null ? null : CaptureDocument.safeParse(document);
    if (parsed !== null && !parsed.success) {
      this.deps.logger.warn({ model, err: parsed.error }, "an onboarding document is not readable");
      return;
    }
    this.deps.rules.set(model, parsed === null ? null : parsed.data);
    this.deps.onRules();
  }
}

/**
 * Looks at our own health every few seconds and keeps its alerts. It must speak while the database is away:
 * its open alerts lie in the journal of notifications, and their rows are stored once the database is back.
 */
import { statfs } from "node:fs/promises";
import type { HeadMessage } from "../../contract/messages.ts";
import { subjects } from "../../contract/subjects.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Nats } from "../../runtime/nats.ts";
import type { Store } from "../../store/client.ts";
import { storeDisks } from "../../store/queries/storage.ts";
import { type AlertBook, type AlertRevision, OpenAlert, observe } from "../alerts/alert-book.ts";
import { alertMessage, storeAlertRevisions } from "../alerts/store-alerts.ts";
import { defaultDocument } from "../documents/default-document.ts";
import type { Notifications } from "../notify/notifications.ts";
import { z } from "zod";
import { type DiskHealth, type Failing, SELF, judgeHealth } from "./judge-health.ts";

export interface SelfWatchDeps {
  readonly store: Store;
  readonly nats: Nats;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly notifications: Notifications;
  /** Folder whose disk is looked at; null: none is ours. */
  readonly dataDir: string | null;
  /** Models whose evaluation fails at the moment, and why. */
  readonly failures: () => readonly { readonly model: string; readonly error: string }[];
}

const ASK_TIMEOUT_MS = 4_000;
const DISK_EVERY_MS = 60_000;
/** Without a head for so long an agent is gone, which is another rule's. */
const HEAD_LIVE_MS = 60_000;
const SPOOLS_MAX = 10_000;
/** When alerts could not arise for so long, a sign of life would be untrue. */
const UNWELL_AFTER_MS = 60_000;
const HYSTERESIS = { breachesToFire: 2, cleanToResolve: 6 };
const MEMORY = "self alerts";
const Remembered = z.object({
  book: z.record(z.string(), OpenAlert),
  unstored: z.array(z.custom<AlertRevision>()),
});

export class SelfWatch {
  private readonly deps: SelfWatchDeps;
  private readonly heads = new Map<
    string,
    { readonly head: HeadMessage; readonly heardMs: number; readonly sinceMs: number }
  >();
  private readonly failingSince = new Map<string, number>();
  private book: AlertBook;
  private unstored: AlertRevision[];
  private storeMs: number;
  private natsMs: number;
  private disks: readonly DiskHealth[] = [];
  private disksMs = 0;

  constructor(deps: SelfWatchDeps) {
    this.deps = deps;
    this.storeMs = deps.clock.nowMs();
    this.natsMs = this.storeMs;
    const kept = Remembered.safeParse(JSON.parse(deps.notifications.recall(MEMORY) ?? "null"));
    this.book = kept.success ? kept.data.book : {};
    this.unstored = kept.success ? kept.data.unstored : [];
  }

  hear(head: HeadMessage): void {
    const heardMs = this.deps.clock.nowMs();
    const known = this.heads.get(head.spool);
    const goesOn = known !== undefined && heardMs - known.heardMs <= HEAD_LIVE_MS;
    this.heads.delete(head.spool);
    this.heads.set(head.spool, { head, heardMs, sinceMs: goesOn ? known.sinceMs : heardMs });
    const oldest = this.heads.keys().next().value;
    if (this.heads.size > SPOOLS_MAX && oldest !== undefined) this.heads.delete(oldest);
  }

  /** Why no alert could arise; null when they could. */
  unwell(): string | null {
    const nowMs = this.deps.clock.nowMs();
    if (nowMs - this.storeMs > UNWELL_AFTER_MS) return "the database does not answer";
    return nowMs - this.natsMs > UNWELL_AFTER_MS ? "NATS is away" : null;
  }

  async look(): Promise<void> {
    await Promise.all([this.askStore(), this.askNats()]);
    await this.lookAtDisks();
    const nowMs = this.deps.clock.nowMs();
    const judged = judgeHealth({
      ...{ nowMs, storeMs: this.storeMs, natsMs: this.natsMs, disks: this.disks },
      spools: [...this.heads.values()]
        .filter(({ heardMs }) => nowMs - heardMs <= HEAD_LIVE_MS)
        .map(({ head, sinceMs }) => ({
          spool: head.spool,
          oldestUnstoredMs: head.oldestUnstoredMs,
          heardSinceMs: sinceMs,
          frames: Math.max(0, head.nextSeq - 1 - head.storedThrough),
        })),
      failing: this.failing(nowMs),
      channels: this.failingChannels(),
    });
    const seen = new Set(judged.map(({ draft }) => `${draft.kind}/${draft.subject}`));
    const revisions: AlertRevision[] = [];
    const see = (judgement: (typeof judged)[number]): void => {
      const { draft, breach, sinceMs } = judgement;
      const span = { breach, fromMs: Math.min(sinceMs, nowMs), toMs: nowMs };
      const step = observe(this.book, SELF, draft, span, nowMs, HYSTERESIS);
      this.book = step.book;
      if (step.revision !== null) revisions.push(step.revision);
    };
    judged.forEach(see);
    // What is no longer spoken of, such as a channel that works again, is well.
    for (const [key, { draft }] of Object.entries(this.book)) {
      if (!seen.has(key)) see({ draft, breach: false, sinceMs: nowMs });
    }
    await this.commit(revisions);
  }

  private failing(nowMs: number): readonly Failing[] {
    const failures = this.deps.failures();
    for (const model of this.failingSince.keys()) {
      if (!failures.some((failure) => failure.model === model)) this.failingSince.delete(model);
    }
    // While the database is away everything fails, and that has its own alert.
    if (nowMs - this.storeMs > ASK_TIMEOUT_MS * 2) return [];
    return failures.map(({ model, error }) => {
      const sinceMs = this.failingSince.get(model) ?? nowMs;
      this.failingSince.set(model, sinceMs);
      return { name: model, sinceMs, error };
    });
  }

  private failingChannels(): readonly Failing[] {
    return this.deps.notifications
      .state()
      .channels.flatMap(({ name, failingSinceMs, lastError, waiting }) =>
        failingSinceMs === null || waiting === 0
          ? []
          : [{ name, sinceMs: failingSinceMs, error: lastError ?? "" }],
      );
  }

  /** Told first: the database may be what fails. Its rows follow when it is back. */
  private async commit(revisions: readonly AlertRevision[]): Promise<void> {
    const { notifications, store, nats, logger } = this.deps;
    if (revisions.length === 0 && this.unstored.length === 0) return;
    const nothing = () => Promise.resolve({ changes: [], checks: [] });
    await notifications.tell(revisions, defaultDocument(SELF), nothing);
    for (const revision of revisions) {
      logger.warn({ alert: revision.id, state: revision.state }, revision.draft.title);
      nats.publish(subjects.alert(SELF), alertMessage(revision));
    }
    this.unstored = [...this.unstored, ...revisions];
    this.remember();
    try {
      await storeAlertRevisions(this.unstored, { store });
      this.unstored = [];
      this.remember();
    } catch (error) {
      logger.warn({ err: error }, "alerts about Driftmend itself wait for the database");
    }
  }

  private remember(): void {
    const { book, unstored } = this;
    this.deps.notifications.remember(MEMORY, JSON.stringify({ book, unstored }));
  }

  private async askStore(): Promise<void> {
    try {
      await within(this.deps.store.ping(), this.deps.clock);
      this.storeMs = this.deps.clock.nowMs();
    } catch (error) {
      this.deps.logger.debug({ err: error }, "the database did not answer");
    }
  }

  private async askNats(): Promise<void> {
    try {
      await within(this.deps.nats.connection.rtt(), this.deps.clock);
      this.natsMs = this.deps.clock.nowMs();
    } catch (error) {
      this.deps.logger.debug({ err: error }, "NATS did not answer");
    }
  }

  private async lookAtDisks(): Promise<void> {
    const { clock, store, dataDir } = this.deps;
    const nowMs = clock.nowMs();
    if (nowMs - this.disksMs < DISK_EVERY_MS) return;
    this.disksMs = nowMs;
    const disks: DiskHealth[] = [];
    let ownBytes = -1;
    if (dataDir !== null) {
      const { bavail, bsize, blocks } = await statfs(dataDir);
      ownBytes = blocks * bsize;
      disks.push({ name: "analyzer", freeBytes: bavail * bsize });
    }
    try {
      for (const { name, free, total } of await within(store.query(storeDisks, {}), clock)) {
        // Of the same size: it is the same one, as on a single machine.
        if (total !== ownBytes) disks.push({ name: `clickhouse/${name}`, freeBytes: free });
      }
    } catch {
      // The database's silence has its own alert; its disks are as they were.
      disks.push(...this.disks.filter(({ name }) => name.startsWith("clickhouse/")));
    }
    this.disks = disks;
  }
}

async function within<T>(answer: Promise<T>, clock: Clock): Promise<T> {
  const stop = new AbortController();
  const late = clock.sleep(ASK_TIMEOUT_MS, stop.signal).then(() => {
    throw new Error(`no answer within ${ASK_TIMEOUT_MS} ms`);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    stop.abort();
    late.catch(() => undefined);
  }
}

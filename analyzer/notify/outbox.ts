/**
 * Messages on their way: each is tried until it is taken or given up, at its own times, one at a time per
 * channel, so that a slow receiver delays nobody else's page.
 */
import type { Counter } from "prom-client";
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Random } from "../../runtime/random.ts";
import type { AlertsMessage, Item } from "../channels/message.ts";
import { sendMessage } from "../channels/send.ts";
import type { Notice } from "./notice.ts";
import type { NotificationJournal, Outgoing } from "./notification-journal.ts";
import { type Answer, nextTry } from "./retry.ts";
import type { Routing } from "./routing.ts";

export interface OutboxDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly journal: NotificationJournal;
  readonly routing: Routing;
  readonly isSilenced: (alertId: string) => boolean;
  readonly onDelivered: (channel: string) => void;
  /** By channel kind and how it ended. */
  readonly total: Counter;
}

export class Outbox {
  private readonly deps: OutboxDeps;
  private readonly running = new Map<string, Promise<void>>();

  constructor(deps: OutboxDeps) {
    this.deps = deps;
  }

  /** Begins to try what is due; channels that are being tried already go on by themselves. */
  begin(): void {
    const nowMs = this.deps.clock.nowMs();
    // Further ahead than anybody may ask for: the clock was set back.
    const latestMs = nowMs + LIMITS.notificationRetryAfterMsMax;
    const due = this.deps.journal
      .outbox()
      .filter(({ dueMs }) => dueMs <= nowMs || dueMs > latestMs);
    for (const channel of new Set(due.map((message) => message.channel))) {
      if (this.running.has(channel)) continue;
      const own = due.filter((message) => message.channel === channel);
      const run = this.tryAll(own).finally(() => this.running.delete(channel));
      this.running.set(channel, run);
    }
  }

  /** Resolves when nothing is being tried. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running.values());
  }

  private async tryAll(messages: readonly Outgoing[]): Promise<void> {
    for (const message of messages) {
      try {
        const answer = await this.attempt(message);
        // What could not be reached will not be reached by the next message either.
        if (answer?.kind === "unreachable") return;
      } catch (error) {
        this.deps.logger.error({ err: error, id: message.id }, "a message could not be tried");
        return;
      }
    }
  }

  private async attempt(outgoing: Outgoing): Promise<Answer | null> {
    const { clock, journal, routing } = this.deps;
    const channel = routing.channel(outgoing.channel);
    if (channel === null) {
      const why = `no channel is named "${outgoing.channel}" any more`;
      this.end(outgoing, this.noticesOf(outgoing), "given up", why);
      return null;
    }
    const newest = this.newestOf(outgoing);
    this.putBack(
      outgoing,
      newest.filter((notice) => this.isHeldBack(notice)),
    );
    const notices = newest.filter((notice) => !this.isHeldBack(notice));
    if (notices.length === 0) {
      journal.removeOutgoing(outgoing.id);
      return null;
    }
    const answer = await sendMessage(channel, this.messageOf(outgoing, notices), {
      nowMs: clock.nowMs(),
      link: routing.book.link,
      isOpen: (key) => isOpen(journal, outgoing.channel, key, notices),
    });
    if (answer.kind === "delivered") this.end(outgoing, notices, "delivered", answer.detail);
    else this.fail(outgoing, notices, answer);
    return answer;
  }

  private isHeldBack({ alertId, state }: Notice): boolean {
    return state === "firing" && this.deps.isSilenced(alertId);
  }

  /** What was silenced on its way waits again: it is told when the silence ends, if it still fires then. */
  private putBack(outgoing: Outgoing, notices: readonly Notice[]): void {
    const { journal, routing } = this.deps;
    const { channel, attempts, kind } = outgoing;
    if (notices.length === 0) return;
    // An attempt without an answer may have opened an incident, which must be closed in the end.
    const mayBeOpen = attempts > 0 && routing.traits(channel)?.stateful === true;
    journal.transact(() => {
      for (const { id, alertId, noticedMs } of notices) {
        journal.removeFromOutgoing(outgoing.id, id);
        if (kind === "reminder") continue;
        journal.addWaiting(channel, id, kind === "digest", noticedMs);
        if (!mayBeOpen) journal.forgetTold(channel, alertId);
      }
    });
  }

  private fail(
    outgoing: Outgoing,
    notices: readonly Notice[],
    failure: Exclude<Answer, { kind: "delivered" }>,
  ): void {
    const { clock, journal, random, logger, total } = this.deps;
    const nowMs = clock.nowMs();
    const attempts = outgoing.attempts + 1;
    const firstMs = outgoing.firstMs ?? nowMs;
    const next = nextTry(failure, attempts, firstMs, nowMs, random.next());
    const { id, channel } = outgoing;
    logger.warn({ id, channel, attempts, error: failure.detail }, "notification was not taken");
    if (next.kind === "give-up") {
      this.end(outgoing, notices, "given up", next.reason);
      return;
    }
    total.inc({ kind: kindOf(channel), how: "failed" });
    journal.failed(id, failure.kind, failure.detail, nowMs, next.dueMs);
  }

  private end(
    { id, channel, kind }: Outgoing,
    notices: readonly Notice[],
    how: "delivered" | "given up",
    detail: string,
  ): void {
    const { clock, journal, logger, total } = this.deps;
    const atMs = clock.nowMs();
    const messageId = messageIdOf(id);
    if (how === "delivered") this.deps.onDelivered(channel);
    journal.transact(() => {
      journal.removeOutgoing(id);
      for (const notice of notices) {
        const { id: noticeId, alertId, state } = notice;
        journal.addEnding({ channel, alertId, noticeId, messageId, how, detail, atMs });
        journal.removeWaiting(channel, noticeId);
        const known = journal.told(alertId).find((told) => told.channel === channel);
        if (known !== undefined) journal.setTold({ ...known, state, noticeId, atMs });
      }
    });
    total.inc({ kind: kindOf(channel), how: how.replace(" ", "-") }, Math.max(1, notices.length));
    const fields = { id: messageId, channel, kind, alerts: notices.length, detail };
    if (how === "given up") logger.error(fields, "notification was given up");
    else logger.info(fields, `notification ${how}`);
  }

  private noticesOf({ noticeIds }: Outgoing): readonly Notice[] {
    return noticeIds.flatMap((id) => this.deps.journal.notice(id) ?? []);
  }

  /**
   * What the message says now. Where alerts are kept open by key, what has ended meanwhile is told as ended:
   * nobody is woken for it, and what an attempt without an answer may have opened is closed.
   */
  private newestOf(outgoing: Outgoing): readonly Notice[] {
    const { journal, routing } = this.deps;
    const stateful = routing.traits(outgoing.channel)?.stateful === true;
    const waiting = journal.waiting().filter(({ channel }) => channel === outgoing.channel);
    return this.noticesOf(outgoing).map((notice) => {
      const newer = waiting.findLast(
        ({ alertId, revision }) => alertId === notice.alertId && revision > notice.revision,
      );
      return stateful && newer !== undefined ? (journal.notice(newer.noticeId) ?? notice) : notice;
    });
  }

  private messageOf(outgoing: Outgoing, notices: readonly Notice[]): AlertsMessage {
    const told = this.deps.journal.told().filter(({ channel }) => channel === outgoing.channel);
    const items: Item[] = notices.map((notice) => {
      const key = told.find(({ alertId }) => alertId === notice.alertId)?.key ?? notice.alertId;
      return { notice, key };
    });
    return { kind: outgoing.kind, id: messageIdOf(outgoing.id), madeMs: outgoing.madeMs, items };
  }
}

/** Whether a key has alerts that fire beside those that this message ends. */
function isOpen(
  journal: NotificationJournal,
  channel: string,
  key: string,
  ending: readonly Notice[],
): boolean {
  const ended = new Set(
    ending.filter(({ state }) => state === "resolved").map(({ alertId }) => alertId),
  );
  return journal
    .told()
    .some(
      (told) =>
        told.channel === channel &&
        told.key === key &&
        told.state === "firing" &&
        !ended.has(told.alertId),
    );
}

/** An outgoing message is `<channel> <message id>`; names of channels have no spaces. */
export const outgoingId = (channel: string, messageId: string): string => `${channel} ${messageId}`;
const messageIdOf = (id: string): string => id.slice(id.indexOf(" ") + 1);
const kindOf = (channel: string): string => channel.split("/")[0] ?? "";

/**
 * From alerts to people: changes are written down with the channels that must hear of them, the plan says
 * what goes out now, the outbox sends it. Needs neither the database nor NATS; its journal survives it.
 */
import { createHash } from "node:crypto";
import type { AlertSeverity } from "../../contract/alert.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { Random } from "../../runtime/random.ts";
import type { AlertRevision } from "../alerts/alert-book.ts";
import type { Surroundings } from "../alerts/explain-alert.ts";
import { labelsOf } from "../channels/alertmanager.ts";
import { mailId } from "../channels/email.ts";
import { sendMessage } from "../channels/send.ts";
import { judgeBudget } from "./budget.ts";
import { Heartbeats } from "./heartbeats.ts";
import { type Notice, isStatistical, noticeId, noticeOf } from "./notice.ts";
import { NotificationJournal } from "./notification-journal.ts";
import { NotifyMetrics } from "./notify-metrics.ts";
import { Outbox, outgoingId } from "./outbox.ts";
import { GROUP_MEMORY_MS, type PlannedMessage, planMessages } from "./plan.ts";
import { Routing, type RoutingOptions } from "./routing.ts";
import { type NotificationState, notificationState } from "./state.ts";

export interface NotificationOptions extends RoutingOptions {
  /** File of the journal; ":memory:" forgets at the end of the process. */
  readonly journalPath: string;
}

export interface NotificationDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Why no alert could arise at the moment; null when all is well. */
  readonly unwell: () => string | null;
}

export type Around = Pick<Surroundings, "changes" | "checks">;

/** What one channel answered to a test. */
export interface TestAnswer {
  readonly channel: string;
  readonly severities: readonly AlertSeverity[];
  readonly delivered: boolean;
  readonly detail: string;
}

interface Tested {
  readonly atMs: number;
  readonly error: string;
}

const FORGET_EVERY_MS = 3_600_000;
const SEVERITIES = ["page", "ticket", "info"] as const;

export class Notifications {
  readonly routing: Routing;
  private readonly deps: NotificationDeps;
  private readonly journal: NotificationJournal;
  private readonly outbox: Outbox;
  private readonly heartbeats: Heartbeats;
  private readonly measured: NotifyMetrics;
  /** Channels that failed a test, and took nothing since. */
  private readonly tested = new Map<string, Tested>();
  private forgotMs = 0;

  constructor(options: NotificationOptions, deps: NotificationDeps) {
    this.deps = deps;
    this.routing = new Routing(options);
    this.journal = new NotificationJournal(options.journalPath);
    this.measured = new NotifyMetrics(deps.metrics);
    const shared = {
      ...deps,
      journal: this.journal,
      routing: this.routing,
      isSilenced: (alertId: string) => this.isSilenced(alertId),
    };
    this.outbox = new Outbox({
      ...{ ...shared, total: this.measured.total },
      onDelivered: (channel) => this.tested.delete(channel),
    });
    this.heartbeats = new Heartbeats(shared);
  }

  /**
   * Writes down what is to be told, and by whom; what was written down before is left as it is.
   * @param aroundOf what stood around an alert; where it fails the notice says so
   */
  async tell(
    revisions: readonly AlertRevision[],
    document: OnboardingDocument,
    aroundOf: (revision: AlertRevision) => Promise<Around>,
  ): Promise<void> {
    const notices: Notice[] = [];
    for (const revision of revisions.filter(({ notify }) => notify)) {
      const isRouted = this.routing.channelsOf(document.alerts, revision.draft.severity).length > 0;
      // Who was told of the beginning hears of the end, whatever the document says by now.
      const isTold = revision.state === "resolved" && this.journal.told(revision.id).length > 0;
      if ((!isRouted && !isTold) || this.journal.knows(noticeId(revision))) continue;
      const around = await aroundOf(revision).catch(() => null);
      const nowMs = this.deps.clock.nowMs();
      notices.push(noticeOf(revision, document.metadata, around, nowMs));
    }
    if (notices.length === 0) return;
    this.journal.transact(() => {
      for (const notice of notices) this.write(notice, document.alerts);
    });
    this.giveUpBeyondMaximum();
  }

  private write(notice: Notice, alerts: OnboardingDocument["alerts"]): void {
    if (!this.journal.addNotice(notice)) return;
    const { alertId, noticedMs } = notice;
    if (notice.state === "resolved") {
      // An end goes where the beginning went, whatever the document says by now.
      const told = this.journal.told(alertId);
      const waiting = this.journal.waiting(alertId);
      const channels = new Set([...told, ...waiting].map(({ channel }) => channel));
      const held = waiting.some((entry) => entry.held);
      for (const name of channels) this.journal.addWaiting(name, notice.id, held, noticedMs);
      return;
    }
    const held = this.isOverBudget(notice, alerts);
    for (const name of this.channelsFor(notice, alerts, held)) {
      this.journal.addWaiting(name, notice.id, held, noticedMs);
    }
  }

  /** A digest wakes nobody: it goes where tickets go, if they go anywhere. */
  private channelsFor(
    { draft }: Notice,
    alerts: OnboardingDocument["alerts"],
    held: boolean,
  ): readonly string[] {
    const own = this.routing.channelsOf(alerts, draft.severity);
    if (!held || draft.severity !== "page") return own;
    const tickets = this.routing.channelsOf(alerts, "ticket");
    return tickets.length > 0 ? tickets : own;
  }

  private isOverBudget(notice: Notice, alerts: OnboardingDocument["alerts"]): boolean {
    const { alertId, model, atMs, draft } = notice;
    const { severity, kind } = draft;
    if (alerts.budget === undefined || !isStatistical(kind)) return false;
    const spent = this.journal
      .all("SELECT alert_id, at_ms FROM spent WHERE model = ? AND severity = ?", model, severity)
      .map((row) => ({ alertId: String(row["alert_id"]), atMs: Number(row["at_ms"]) }));
    const verdict = judgeBudget({ alertId, kind, severity, atMs }, alerts.budget, spent);
    if (verdict.kind === "within") {
      this.journal.run(
        "INSERT OR IGNORE INTO spent VALUES (?, ?, ?, ?)",
        ...[model, severity, alertId, atMs],
      );
    }
    return verdict.kind === "over";
  }

  knows(revision: Pick<AlertRevision, "id" | "revision">): boolean {
    return this.journal.knows(noticeId(revision));
  }

  /** A text that is kept beside the notifications. */
  remember(name: string, value: string): void {
    this.journal.remember(name, value);
  }

  recall(name: string): string | null {
    return this.journal.recall(name);
  }

  /** What a person did, so that it holds while the database is away. */
  noteAction(
    alertId: string,
    action: "acknowledge" | "silence",
    untilMs: number | null,
    atMs: number,
  ): void {
    this.journal.run(
      "INSERT INTO actions VALUES (?, ?, ?, ?)",
      ...[alertId, action, untilMs, atMs],
    );
  }

  private isSilenced(alertId: string): boolean {
    return (this.journal.silencedUntil(alertId) ?? 0) > this.deps.clock.nowMs();
  }

  /** Decides what goes out, and begins to send it; called each second. */
  tick(): void {
    const nowMs = this.deps.clock.nowMs();
    this.plan(nowMs);
    this.outbox.begin();
    this.heartbeats.begin();
    this.measured.show(this.state());
    if (nowMs - this.forgotMs < FORGET_EVERY_MS) return;
    this.forgotMs = nowMs;
    this.journal.forgetBefore(nowMs - LIMITS.notificationsKeptMs);
  }

  /** Resolves when nothing is on its way at the moment. */
  async idle(): Promise<void> {
    await this.outbox.idle();
    await this.heartbeats.idle();
  }

  private plan(nowMs: number): void {
    const waiting = this.journal.waiting();
    const told = this.journal.told();
    if (waiting.length === 0 && told.length === 0) return;
    const outbox = this.journal.outbox();
    const down = new Set(
      outbox.flatMap(({ channel, failure }) => (failure === "unreachable" ? [channel] : [])),
    );
    const busy = new Set(outbox.map(({ channel, group }) => `${channel}\n${group}`));
    const { messages, dropped } = planMessages({
      ...{ nowMs, waiting, told },
      traitsOf: (channel) => this.routing.traits(channel),
      isUp: (channel) => !down.has(channel),
      isBusy: (channel, group) => busy.has(`${channel}\n${group}`),
      sentMs: (channel, group) => this.sentMs(channel, group, nowMs),
      isSilenced: (alertId) => this.isSilenced(alertId),
      isAcknowledged: (alertId) => this.journal.isAcknowledged(alertId),
    });
    if (messages.length === 0 && dropped.length === 0) return;
    this.journal.transact(() => {
      for (const { channel, noticeId: id, reason } of dropped) {
        this.journal.removeWaiting(channel, id);
        const alertId = this.journal.notice(id)?.alertId;
        if (reason === "superseded" || alertId === undefined) continue;
        this.journal.addEnding({
          ...{ channel, alertId, noticeId: id, messageId: "", how: "not told" },
          ...{ detail: reason, atMs: nowMs },
        });
      }
      for (const message of messages) this.send(message, nowMs);
    });
  }

  /** Moves a planned message into the outbox. */
  private send(message: PlannedMessage, nowMs: number): void {
    const { channel, group, kind } = message;
    const told = this.journal.told().filter((entry) => entry.channel === channel);
    const noticeIds =
      kind === "reminder"
        ? told
            .filter(({ alertId }) => message.alertIds.includes(alertId))
            .map((entry) => entry.noticeId)
        : message.noticeIds;
    const messageId = messageIdOf(kind, noticeIds, nowMs);
    this.journal.addOutgoing({
      ...{ id: outgoingId(channel, messageId), channel, group, kind, noticeIds },
      ...{ madeMs: nowMs, attempts: 0, firstMs: null, dueMs: nowMs, failure: "", lastError: "" },
    });
    for (const id of noticeIds) {
      this.journal.removeWaiting(channel, id);
      const notice = this.journal.notice(id);
      if (notice === null) continue;
      const { alertId, state, draft } = notice;
      const known = told.find((entry) => entry.alertId === alertId);
      const key = known?.key ?? this.keyOf(notice, message, messageId);
      const { model } = notice;
      const entry = { channel, alertId, model, state, severity: draft.severity, key, noticeId: id };
      this.journal.setTold({ ...entry, atMs: nowMs });
    }
    // Ends wake nobody, and must not keep a beginning waiting.
    const begins = noticeIds.some((id) => this.journal.notice(id)?.state === "firing");
    if (begins) this.journal.run("INSERT INTO sent VALUES (?, ?, ?)", channel, group, nowMs);
  }

  private keyOf(notice: Notice, message: PlannedMessage, messageId: string): string {
    switch (this.routing.channel(message.channel)?.kind) {
      case "alertmanager":
        return labelsOf(notice, message.kind === "digest");
      case "pagerduty":
        return message.noticeIds.length === 1 ? notice.alertId : messageId;
      case "email":
        return mailId(messageId);
      case "slack":
      case "webhook":
      case "heartbeat":
      case undefined:
        return notice.alertId;
    }
  }

  private sentMs(channel: string, group: string, nowMs: number): readonly number[] {
    return this.journal
      .all(
        "SELECT at_ms FROM sent WHERE channel = ? AND group_key = ? AND at_ms > ?",
        ...[channel, group, nowMs - GROUP_MEMORY_MS],
      )
      .map((row) => Number(row["at_ms"]));
  }

  /** Nothing grows for ever: the list of alerts keeps what cannot be told. */
  private giveUpBeyondMaximum(): void {
    const excess = this.journal.waitingCount() - LIMITS.notificationsWaitingMax;
    if (excess <= 0) return;
    const beyond = this.journal.waiting().slice(0, excess);
    const atMs = this.deps.clock.nowMs();
    const detail = `more than ${LIMITS.notificationsWaitingMax} wait`;
    for (const { channel, noticeId: id, alertId } of beyond) {
      this.journal.removeWaiting(channel, id);
      this.journal.addEnding({
        ...{ channel, alertId, noticeId: id, messageId: "", how: "given up", detail, atMs },
      });
      this.measured.total.inc({ kind: channel.split("/")[0] ?? "", how: "given-up" });
    }
  }

  /** Sends a test through every channel that the document names, and says what each answered. */
  async test(model: string, alerts: OnboardingDocument["alerts"]): Promise<readonly TestAnswer[]> {
    const severities = new Map<string, AlertSeverity[]>();
    for (const severity of SEVERITIES) {
      for (const name of this.routing.channelsOf(alerts, severity)) {
        severities.set(name, [...(severities.get(name) ?? []), severity]);
      }
    }
    const nowMs = this.deps.clock.nowMs();
    const id = `test-${nowMs}-${this.deps.random.integer(1e9)}`;
    const message = { kind: "test", id, madeMs: nowMs, model } as const;
    const context = { nowMs, link: this.routing.book.link, isOpen: () => false };
    return Promise.all(
      [...severities].map(async ([name, own]) => {
        const channel = this.routing.channel(name);
        const answer =
          channel === null
            ? { kind: "refused", detail: "no such channel is configured" }
            : await sendMessage(channel, message, context);
        const delivered = answer.kind === "delivered";
        if (delivered) this.tested.delete(name);
        else this.tested.set(name, { atMs: nowMs, error: answer.detail });
        return { channel: name, severities: own, delivered, detail: answer.detail };
      }),
    );
  }

  newestNotice(alertId: string): Notice | null {
    return this.journal.newestNotice(alertId);
  }

  firingNotices(): readonly Notice[] {
    return this.journal.firingNotices();
  }

  /** What each channel was told of an alert, and what waits. */
  storyOf(alertId: string): readonly { readonly atMs: number; readonly text: string }[] {
    const ended = this.journal
      .endingsOf(alertId)
      .map(({ channel, noticeId: id, how, detail, atMs }) => ({
        atMs,
        text: `${channel}: ${this.journal.notice(id)?.state ?? ""} ${how}${how === "delivered" ? "" : `: ${detail}`}`,
      }));
    const waiting = this.journal.waiting(alertId).map(({ channel, held, state, sinceMs }) => ({
      atMs: sinceMs,
      text: `${channel}: ${state} ${held ? "is over the budget and waits for the digest" : "waits"}`,
    }));
    return [...ended, ...waiting];
  }

  state(): NotificationState {
    return notificationState(
      this.journal.waiting(),
      this.journal.outbox(),
      [...this.routing.book.channels.values()],
      (channel) => this.tested.get(channel) ?? this.heartbeats.lastOf(channel),
    );
  }

  close(): void {
    this.journal.close();
  }
}

function messageIdOf(
  kind: PlannedMessage["kind"],
  noticeIds: readonly string[],
  nowMs: number,
): string {
  const [first = ""] = noticeIds;
  if (kind === "alerts" && noticeIds.length === 1) return first;
  const text = [...noticeIds].sort().join("\n") + (kind === "reminder" ? nowMs : "");
  return `${kind}-${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
}

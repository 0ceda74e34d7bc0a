/**
 * Signs of life, so that our absence is noticed: Alertmanager hears DriftmendWatchdog and everything that
 * fires each minute, a dead man's switch is pinged, people's channels get a line as often as they asked.
 * None is sent while the database or NATS is away: silence would be a false comfort then.
 */
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { alertmanagerState } from "../channels/alertmanager.ts";
import type { Channel, ChannelOf } from "../channels/channels-file.ts";
import type { Item } from "../channels/message.ts";
import { postAll, sendMessage } from "../channels/send.ts";
import type { NotificationJournal } from "./notification-journal.ts";
import type { Answer } from "./retry.ts";
import type { Routing } from "./routing.ts";

export interface HeartbeatDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly journal: NotificationJournal;
  readonly routing: Routing;
  readonly isSilenced: (alertId: string) => boolean;
  /** Whether alerts could arise at all: null when they could, else why not. */
  readonly unwell: () => string | null;
}

export interface Beat {
  readonly atMs: number;
  readonly error: string | null;
}

/** Resolved alerts are repeated for so long, should Alertmanager have missed their end. */
const RESOLVED_REPEATED_MS = 15 * 60_000;

export class Heartbeats {
  private readonly deps: HeartbeatDeps;
  private readonly last = new Map<string, Beat>();
  private readonly running = new Map<string, Promise<void>>();

  constructor(deps: HeartbeatDeps) {
    this.deps = deps;
  }

  /** The last one of a channel in this process. */
  lastOf(channel: string): Beat | null {
    return this.last.get(channel) ?? null;
  }

  begin(): void {
    for (const channel of this.deps.routing.book.channels.values()) {
      const everyMs = everyOf(channel);
      if (everyMs === null || this.running.has(channel.name)) continue;
      const nowMs = this.deps.clock.nowMs();
      const lastMs = this.last.get(channel.name)?.atMs ?? this.rememberedMs(channel.name);
      // A clock that was set back must not end the signs.
      if (nowMs < lastMs + everyMs && nowMs >= lastMs) continue;
      const run = this.beat(channel, everyMs, nowMs).finally(() =>
        this.running.delete(channel.name),
      );
      this.running.set(channel.name, run);
    }
  }

  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running.values());
  }

  private async beat(channel: Channel, everyMs: number, nowMs: number): Promise<void> {
    const { logger, journal, unwell, routing } = this.deps;
    const reason = unwell();
    let answer: Answer | null = null;
    if (channel.kind === "alertmanager") answer = await this.tellState(channel, nowMs, reason);
    else if (reason === null) {
      const id = `heartbeat-${Math.floor(nowMs / 1000)}`;
      const message = { kind: "heartbeat", id, madeMs: nowMs, everyMs } as const;
      const context = { nowMs, link: routing.book.link, isOpen: () => false };
      answer = await sendMessage(channel, message, context);
    }
    const failed = answer !== null && answer.kind !== "delivered" ? answer.detail : null;
    const error = failed ?? (reason === null ? null : `not sent: ${reason}`);
    if (error !== null) logger.warn({ channel: channel.name, error }, "no sign of life was sent");
    this.last.set(channel.name, { atMs: nowMs, error });
    if (error === null) journal.remember(memoryName(channel.name), String(nowMs));
  }

  /** Alertmanager forgets what is not repeated; the watchdog is left out when it would be untrue. */
  private tellState(
    channel: ChannelOf<"alertmanager">,
    nowMs: number,
    reason: string | null,
  ): Promise<Answer> {
    const { journal, routing, isSilenced } = this.deps;
    const waiting = new Set(
      journal.outbox().flatMap((out) => (out.channel === channel.name ? out.noticeIds : [])),
    );
    const items: Item[] = journal
      .told()
      .filter(
        (told) =>
          told.channel === channel.name &&
          !waiting.has(told.noticeId) &&
          !isSilenced(told.alertId) &&
          (told.state === "firing" || told.atMs > nowMs - RESOLVED_REPEATED_MS),
      )
      .flatMap(({ key, noticeId }) => {
        const notice = journal.notice(noticeId);
        return notice === null ? [] : [{ notice, key }];
      });
    const { link } = routing.book;
    return postAll(alertmanagerState(channel, items, nowMs, link, reason === null), nowMs);
  }

  private rememberedMs(channel: string): number {
    return Number(this.deps.journal.recall(memoryName(channel)) ?? 0);
  }
}

const memoryName = (channel: string): string => `heartbeat ${channel}`;

function everyOf(channel: Channel): number | null {
  switch (channel.kind) {
    case "heartbeat":
      return channel.every;
    case "pagerduty":
      return null;
    case "alertmanager":
    case "slack":
    case "email":
    case "webhook":
      return channel.heartbeat === "off" ? null : channel.heartbeat;
  }
}

/** How delivery fares, for `status`, `doctor` and the metrics: which channel fails since when, what waits. */
import type { Channel } from "../channels/channels-file.ts";
import type { Beat } from "./heartbeats.ts";
import type { Outgoing } from "./notification-journal.ts";
import type { Waiting } from "./plan.ts";

export interface ChannelState {
  readonly name: string;
  readonly up: boolean;
  /** Alert changes that wait for it, or are on their way. */
  readonly waiting: number;
  readonly failingSinceMs: number | null;
  readonly lastError: string | null;
  readonly heartbeatMs: number | null;
}

export interface NotificationState {
  readonly waiting: number;
  /** Over the budget, for the next digest. */
  readonly held: number;
  readonly oldestMs: number | null;
  readonly channels: readonly ChannelState[];
}

export function notificationState(
  waiting: readonly Waiting[],
  outbox: readonly Outgoing[],
  configured: readonly Channel[],
  beatOf: (channel: string) => Beat | null,
): NotificationState {
  const names = new Set([
    ...configured.map(({ name }) => name),
    ...outbox.map(({ channel }) => channel),
    ...waiting.map(({ channel }) => channel),
  ]);
  const open = waiting.filter(({ held }) => !held);
  const since = [...open.map(({ sinceMs }) => sinceMs), ...outbox.map(({ madeMs }) => madeMs)];
  return {
    waiting: open.length + outbox.reduce((sum, { noticeIds }) => sum + noticeIds.length, 0),
    held: waiting.length - open.length,
    oldestMs: since.length === 0 ? null : Math.min(...since),
    channels: [...names].sort().map((name) => channelState(name, open, outbox, beatOf(name))),
  };
}

function channelState(
  name: string,
  open: readonly Waiting[],
  outbox: readonly Outgoing[],
  beat: Beat | null,
): ChannelState {
  const own = outbox.filter(({ channel }) => channel === name);
  const failing = own.filter(({ failure }) => failure !== "");
  const error = failing[0]?.lastError ?? beat?.error ?? null;
  return {
    name,
    up: error === null,
    waiting:
      open.filter(({ channel }) => channel === name).length +
      own.reduce((sum, { noticeIds }) => sum + noticeIds.length, 0),
    failingSinceMs: failing[0]?.firstMs ?? (beat?.error == null ? null : beat.atMs),
    lastError: error,
    heartbeatMs: beat?.error === null ? beat.atMs : null,
  };
}

/**
 * What goes out now, as a pure decision: alert changes that wait, what each channel was told already,
 * silences and acknowledgements go in; messages come out, and what need not be told, with the reason.
 * A thousand models that alert for one cause are a few messages; what one person must know at once is not
 * held back by another's.
 */
import type { AlertKind, AlertSeverity, FindingCause } from "../../contract/alert.ts";

/** A change of an alert that a channel was not told yet. */
export interface Waiting {
  readonly channel: string;
  readonly noticeId: string;
  readonly alertId: string;
  readonly model: string;
  readonly revision: number;
  readonly kind: AlertKind;
  readonly cause: FindingCause;
  readonly severity: AlertSeverity;
  readonly state: "firing" | "resolved";
  /** Over the budget: goes out with the digest. */
  readonly held: boolean;
  /** Wall time since when it waits. */
  readonly sinceMs: number;
}

/** What a channel was told last of an alert. */
export interface Told {
  readonly channel: string;
  readonly alertId: string;
  readonly model: string;
  readonly state: "firing" | "resolved";
  readonly severity: AlertSeverity;
  /** Wall time of the last message about it. */
  readonly atMs: number;
}

export interface ChannelTraits {
  /** Keeps alerts open until they are resolved there (PagerDuty, Alertmanager). */
  readonly stateful: boolean;
  /** False: it groups by itself, and wants each alert at once (Alertmanager). */
  readonly grouped: boolean;
  /** Pages that nobody acknowledged are told again so often; null: never. */
  readonly remindMs: number | null;
}

export interface PlanInput {
  readonly nowMs: number;
  readonly waiting: readonly Waiting[];
  readonly told: readonly Told[];
  /** Null: no such channel is configured (any more). */
  readonly traitsOf: (channel: string) => ChannelTraits | null;
  /** False while its last message was not taken: what comes then is joined. */
  readonly isUp: (channel: string) => boolean;
  /** Whether a message of this group is on its way. */
  readonly isBusy: (channel: string, group: string) => boolean;
  /** Wall times at which the group told of a beginning within the last hour. */
  readonly sentMs: (channel: string, group: string) => readonly number[];
  readonly isSilenced: (alertId: string) => boolean;
  readonly isAcknowledged: (alertId: string) => boolean;
}

export type MessageKind = "alerts" | "digest" | "reminder";

export interface PlannedMessage {
  readonly kind: MessageKind;
  readonly channel: string;
  readonly group: string;
  /** Of a reminder: alerts, told by their last notice. */
  readonly alertIds: readonly string[];
  /** Newest of each alert. */
  readonly noticeIds: readonly string[];
}

export interface Dropped {
  readonly channel: string;
  readonly noticeId: string;
  readonly reason:
    | "superseded"
    | "over before it was told"
    | "never told"
    | "silenced"
    | "no channel";
}

export interface Plan {
  readonly messages: readonly PlannedMessage[];
  readonly dropped: readonly Dropped[];
}

/**
 * How long a group waits before its next message, by how many it sent within the hour: at first just long
 * enough to join what one evaluation found, then longer and longer.
 */
export const GROUP_WAITS_MS = [2_000, 2_000, 2_000, 300_000, 900_000, 1_800_000] as const;
export const GROUP_MEMORY_MS = 3_600_000;
/** A page of a model that the channel has not heard of within the hour goes at once, while so few went out. */
const PROMPT_MESSAGES_MAX = 8;
/** What is over the budget goes out so long after the first of it. */
export const DIGEST_AFTER_MS = 86_400_000;
const DIGEST = "digest";
const REMINDER = "reminder";

export function planMessages(input: PlanInput): Plan {
  const dropped: Dropped[] = [];
  const ready = new Map<string, Settled[]>();
  for (const own of byChannelAndAlert(input.waiting)) {
    const settled = settle(own, input, dropped);
    if (settled === null) continue;
    const key = `${settled.kept.channel}\n${groupOf(settled.kept, input)}`;
    const group = ready.get(key);
    if (group === undefined) ready.set(key, [settled]);
    else group.push(settled);
  }
  const messages: PlannedMessage[] = [];
  for (const [key, all] of ready) {
    const [channel = "", group = ""] = key.split("\n");
    const members = all.map(({ kept }) => kept);
    if (!isDue(channel, group, members, input)) continue;
    messages.push({
      kind: group === DIGEST ? "digest" : "alerts",
      ...{ channel, group, alertIds: members.map(({ alertId }) => alertId) },
      noticeIds: members.map(({ noticeId }) => noticeId),
    });
    // Only now: while it waits, the beginning of what has ended says that somebody is to be told.
    for (const { noticeId } of all.flatMap(({ superseded }) => superseded)) {
      dropped.push({ channel, noticeId, reason: "superseded" });
    }
  }
  return { messages: [...messages, ...planReminders(input)], dropped };
}

/** `severity/kind/cause`: what one cause does to many models is one group. */
function groupOf(waiting: Waiting, { traitsOf }: PlanInput): string {
  if (waiting.held) return DIGEST;
  if (traitsOf(waiting.channel)?.grouped === false) return "all";
  return `${waiting.severity}/${waiting.kind}/${waiting.cause}`;
}

function byChannelAndAlert(waiting: readonly Waiting[]): Iterable<readonly Waiting[]> {
  const found = new Map<string, Waiting[]>();
  for (const entry of waiting) {
    const key = `${entry.channel}\n${entry.alertId}`;
    const own = found.get(key);
    if (own === undefined) found.set(key, [entry]);
    else own.push(entry);
  }
  return found.values();
}

/** The one change of an alert that is left to tell a channel, and those that it makes needless. */
interface Settled {
  readonly kept: Waiting;
  readonly superseded: readonly Waiting[];
}

/** Null: there is nothing to tell now. */
function settle(own: readonly Waiting[], input: PlanInput, dropped: Dropped[]): Settled | null {
  const newest = own.reduce((a, b) => (b.revision > a.revision ? b : a));
  const { channel, alertId } = newest;
  const drop = (entries: readonly Waiting[], reason: Dropped["reason"]): null => {
    for (const { noticeId } of entries) dropped.push({ channel, noticeId, reason });
    return null;
  };
  const traits = input.traitsOf(channel);
  if (traits === null) return drop(own, "no channel");
  const wasTold = input.told.some(
    (told) => told.channel === channel && told.alertId === alertId && told.state === "firing",
  );
  const firing = own.some(({ state }) => state === "firing");
  const silenced = input.isSilenced(alertId);
  if (newest.state === "resolved" && !wasTold) {
    if (!firing) return drop(own, "never told");
    if (silenced) return drop(own, "silenced");
    if (traits.stateful) return drop(own, "over before it was told");
  }
  // Who opened an incident closes it, silence or not; the others hear nothing of a silenced alert.
  if (silenced && !(newest.state === "resolved" && wasTold && traits.stateful)) {
    return newest.state === "resolved" ? drop(own, "silenced") : null;
  }
  const sinceMs = Math.min(...own.map((entry) => entry.sinceMs));
  // An end belongs where the beginning went: a held alert that was never told stays in the digest.
  const held = newest.state === "resolved" ? own.some((entry) => entry.held) : newest.held;
  const superseded = own.filter((entry) => entry !== newest);
  return { kept: { ...newest, sinceMs, held }, superseded };
}

function isDue(
  channel: string,
  group: string,
  members: readonly Waiting[],
  input: PlanInput,
): boolean {
  if (!input.isUp(channel) || input.isBusy(channel, group)) return false;
  const sinceMs = Math.min(...members.map((member) => member.sinceMs));
  // The clock was set back: nobody must wait until it is there again.
  if (sinceMs > input.nowMs) return true;
  if (group === DIGEST) return input.nowMs >= sinceMs + DIGEST_AFTER_MS;
  const first = GROUP_WAITS_MS[0];
  if (input.traitsOf(channel)?.grouped === false) return input.nowMs >= sinceMs + first;
  const sent = input
    .sentMs(channel, group)
    .filter((ms) => ms > input.nowMs - GROUP_MEMORY_MS && ms <= input.nowMs);
  const isPrompt = sent.length < PROMPT_MESSAGES_MAX && isNews(channel, members, input);
  const waitMs = isPrompt
    ? first
    : (GROUP_WAITS_MS[Math.min(sent.length, GROUP_WAITS_MS.length - 1)] ?? first);
  const lastMs = sent.length === 0 ? 0 : Math.max(...sent);
  return input.nowMs >= Math.max(sinceMs + first, lastMs + waitMs);
}

/** Whether a page is about a model that nobody was told of lately: others' faults must not keep it waiting. */
function isNews(channel: string, members: readonly Waiting[], { told, nowMs }: PlanInput): boolean {
  const known = new Set(
    told
      .filter((entry) => entry.channel === channel && entry.atMs > nowMs - GROUP_MEMORY_MS)
      .map(({ model }) => model),
  );
  return members.some(
    ({ severity, state, model }) => severity === "page" && state === "firing" && !known.has(model),
  );
}

/** Pages that fire, that nobody acknowledged or silenced, and that were told long ago: one message each channel. */
function planReminders(input: PlanInput): readonly PlannedMessage[] {
  const due = new Map<string, string[]>();
  for (const { channel, alertId, state, severity, atMs } of input.told) {
    const remindMs = input.traitsOf(channel)?.remindMs ?? null;
    if (remindMs === null || state !== "firing" || severity !== "page") continue;
    if (input.nowMs < atMs + remindMs || !input.isUp(channel)) continue;
    if (input.isSilenced(alertId) || input.isAcknowledged(alertId)) continue;
    if (input.isBusy(channel, REMINDER)) continue;
    due.set(channel, [...(due.get(channel) ?? []), alertId]);
  }
  return [...due].map(([channel, alertIds]) => ({
    ...({ kind: "reminder", channel, group: REMINDER, alertIds, noticeIds: [] } as const),
  }));
}

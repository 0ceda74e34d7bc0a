/**
 * Our own health as rules: the database, NATS, the agents' spools, the disk, models that cannot be
 * evaluated, channels that take nothing. Wall time, since it is about our own processes. Each says what it
 * means for the models, and what to type.
 */
import type { AlertDraft } from "../alerts/alert-book.ts";

/** Under this name the alerts about Driftmend itself stand in the list. */
export const SELF = "driftmend";

/** What is looked at; null where nobody could look. */
export interface Health {
  readonly nowMs: number;
  /** When the database, and NATS, answered last. */
  readonly storeMs: number;
  readonly natsMs: number;
  readonly spools: readonly SpoolHealth[];
  readonly disks: readonly DiskHealth[];
  /** Models whose evaluation fails, since when and why. */
  readonly failing: readonly Failing[];
  /** Channels that take nothing, likewise. */
  readonly channels: readonly Failing[];
}

export interface SpoolHealth {
  readonly spool: string;
  /** Acceptance time of the oldest frame that is not stored. */
  readonly oldestUnstoredMs: number | null;
  /** Since when its agent is heard without a gap: what a stop left behind is caught up from then on. */
  readonly heardSinceMs: number;
  readonly frames: number;
}
export interface DiskHealth {
  readonly name: string;
  readonly freeBytes: number;
}
export interface Failing {
  readonly name: string;
  readonly sinceMs: number;
  readonly error: string;
}

export interface Judged {
  readonly draft: AlertDraft;
  readonly breach: boolean;
  readonly sinceMs: number;
}

const MINUTE_MS = 60_000;
/** Restarts and merges take less. */
export const STORE_SILENT_MS = 2 * MINUTE_MS;
export const NATS_SILENT_MS = 2 * MINUTE_MS;
/** The longest that a collector needs to take over, with room; a replay's bursts are seconds. */
export const LAG_MS = 5 * MINUTE_MS;
const FAILING_MS = 10 * MINUTE_MS;
const CHANNEL_FAILING_MS = 15 * MINUTE_MS;
const GIB = 1024 ** 3;
/** Below: room for hours; below a quarter of it: for minutes, then agents refuse. */
const DISK_TICKET_BYTES = 2 * GIB;
const DISK_PAGE_BYTES = GIB / 2;

export function judgeHealth(health: Health): readonly Judged[] {
  return [
    ofStore(health),
    ofNats(health),
    ...health.spools.map((spool) => ofSpool(spool, health.nowMs)),
    ...health.disks.map((disk) => ofDisk(disk, health.nowMs)),
    ...health.failing.map((failing) => ofModel(failing, health.nowMs)),
    ...health.channels.map((channel) => ofChannel(channel, health.nowMs)),
  ];
}

function ofStore({ nowMs, storeMs }: Health): Judged {
  const silentMs = nowMs - storeMs;
  return {
    breach: silentMs >= STORE_SILENT_MS,
    sinceMs: storeMs,
    draft: draftOf({
      subject: "store",
      severity: "page",
      title: "The database does not answer",
      text: `ClickHouse was heard last ${span(silentMs)} ago; nothing is judged meanwhile, agents keep what comes in their spools`,
      cost: "no model is watched until it answers; no prediction is lost while the spools have room",
      causeText: "ClickHouse is down, full or not reachable from the analyzer",
      certainty: "asked every five seconds",
      loop: 'what to do: "driftmend doctor"; see that ClickHouse runs and has room on its disk; everything is caught up by itself afterwards',
      numbers: { silentMs },
    }),
  };
}

function ofNats({ nowMs, natsMs }: Health): Judged {
  const silentMs = nowMs - natsMs;
  return {
    breach: silentMs >= NATS_SILENT_MS,
    sinceMs: natsMs,
    draft: draftOf({
      subject: "nats",
      severity: "page",
      title: "NATS is away",
      text: `NATS answered last ${span(silentMs)} ago; what agents take stays in their spools`,
      cost: "no model is watched until it is back; no prediction is lost while the spools have room",
      causeText: "nats-server is down or not reachable from the analyzer",
      certainty: "asked every five seconds",
      loop: 'what to do: "driftmend doctor"; see that nats-server runs; everything is caught up by itself afterwards',
      numbers: { silentMs },
    }),
  };
}

function ofSpool(
  { spool, oldestUnstoredMs, heardSinceMs, frames }: SpoolHealth,
  nowMs: number,
): Judged {
  const sinceMs = oldestUnstoredMs === null ? nowMs : Math.max(oldestUnstoredMs, heardSinceMs);
  const lagMs = Math.max(0, nowMs - sinceMs);
  return {
    breach: lagMs >= LAG_MS,
    sinceMs,
    draft: draftOf({
      subject: `lag/${spool.slice(0, 8)}`,
      severity: "page",
      title: `Predictions are not stored since ${span(lagMs)}`,
      text: `the agent with spool ${spool.slice(0, 8)} holds ${frames} frames that are not stored, the oldest for ${span(lagMs)}`,
      cost: "windows do not close: alerts of the models behind this agent come late by as much",
      causeText: "the collector, ClickHouse or NATS is down or too slow for the traffic",
      certainty: "the agent says so every two seconds",
      loop: 'what to do: "driftmend status" says who is behind; nothing is lost while the agent\'s disk has room',
      numbers: { lagMs, frames },
    }),
  };
}

function ofDisk({ name, freeBytes }: DiskHealth, nowMs: number): Judged {
  const gib = (freeBytes / GIB).toFixed(1);
  const urgent = freeBytes < DISK_PAGE_BYTES;
  return {
    breach: freeBytes < DISK_TICKET_BYTES,
    sinceMs: nowMs,
    draft: draftOf({
      subject: `disk/${name}`,
      severity: urgent ? "page" : "ticket",
      title: `${gib} GiB are free on the disk of ${name}`,
      text: `${gib} GiB are free on the disk of ${name}, ${(DISK_TICKET_BYTES / GIB).toFixed(1)} GiB are wanted; when it is full agents answer 503`,
      cost: "predictions are refused when it is full, and come back only from clients that try again",
      causeText: "data are kept longer than the disk carries, or something else fills it",
      certainty: "the file system says so",
      loop: "what to do: make room, or keep less (retention in docs/configuration.md); nothing is deleted by itself",
      numbers: { freeBytes },
    }),
  };
}

function ofModel({ name, sinceMs, error }: Failing, nowMs: number): Judged {
  return {
    breach: nowMs - sinceMs >= FAILING_MS,
    sinceMs,
    draft: draftOf({
      subject: `analysis/${name}`,
      severity: "ticket",
      title: `${name} cannot be evaluated`,
      text: `every evaluation of ${name} fails since ${span(nowMs - sinceMs)}: ${error}`,
      cost: `${name} is not watched`,
      causeText: "its document, its data or a fault of the analyzer",
      certainty: "it is tried again with every watermark",
      loop: 'what to do: "driftmend status" shows the error, the analyzer\'s log has all of it',
      numbers: { failingMs: nowMs - sinceMs },
    }),
  };
}

function ofChannel({ name, sinceMs, error }: Failing, nowMs: number): Judged {
  return {
    breach: nowMs - sinceMs >= CHANNEL_FAILING_MS,
    sinceMs,
    draft: draftOf({
      subject: `channel/${name}`,
      severity: "ticket",
      title: `Alerts do not arrive at ${name}`,
      text: `${name} takes no notification since ${span(nowMs - sinceMs)}: ${error}`,
      cost: "who relies on it hears of nothing; the list of alerts has them all",
      causeText: "the channel is down, or its address or secret changed",
      certainty: "it is tried at least every ten minutes",
      loop: 'what to do: "driftmend alerts test <model>" tries it; correct it in the file of channels and start the analyzer again',
      numbers: { failingMs: nowMs - sinceMs },
    }),
  };
}

type Said = Pick<
  AlertDraft,
  | "subject"
  | "severity"
  | "title"
  | "text"
  | "cost"
  | "causeText"
  | "certainty"
  | "loop"
  | "numbers"
>;

const draftOf = (said: Said): AlertDraft => ({
  ...said,
  kind: "self",
  cause: "unknown",
  where: "Driftmend itself",
  finding: null,
  windows: [],
});

function span(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${Math.round(ms / 1000)} s`;
  return ms < 120 * MINUTE_MS
    ? `${Math.round(ms / MINUTE_MS)} min`
    : `${Math.round(ms / (60 * MINUTE_MS))} h`;
}

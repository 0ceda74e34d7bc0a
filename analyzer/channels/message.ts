/**
 * One message to one channel, and its words: the same for every channel that people read. Order as in an
 * explanation: what, cost, cause, where, how sure, what changed, what the loop did, what to type.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { Notice } from "../notify/notice.ts";

/** What a channel needs to know of an alert it tells. */
export interface Item {
  readonly notice: Notice;
  /** What identifies the alert there: a dedup_key, labels as JSON, the id of a mail. */
  readonly key: string;
}

export type Message =
  | {
      readonly kind: "alerts" | "digest" | "reminder";
      /** Never changes: receivers drop repeats by it. */
      readonly id: string;
      readonly madeMs: number;
      readonly items: readonly Item[];
    }
  | { readonly kind: "test"; readonly id: string; readonly madeMs: number; readonly model: string }
  | {
      readonly kind: "heartbeat";
      readonly id: string;
      readonly madeMs: number;
      readonly everyMs: number;
    };

export type AlertsMessage = Extract<Message, { readonly items: readonly Item[] }>;

/** One line: what a phone shows. */
export function headline(message: Message): string {
  if (message.kind === "test")
    return `TEST of Driftmend's alerts for ${message.model}: nothing is wrong`;
  if (message.kind === "heartbeat") return "Driftmend watches: nothing to do";
  const [first] = message.items;
  if (first === undefined) return "No alerts";
  if (message.items.length === 1) return headlineOf(first.notice, message.kind);
  const firing = message.items.filter(({ notice }) => notice.state === "firing").length;
  const resolved = message.items.length - firing;
  const counts = [
    ...(firing === 0 ? [] : [`${firing} firing`]),
    ...(resolved === 0 ? [] : [`${resolved} resolved`]),
  ].join(", ");
  if (message.kind === "digest") return `[digest] ${counts} over the budget of notifications`;
  if (message.kind === "reminder") return `[still firing] ${firing} pages that nobody acknowledged`;
  const { kind, severity, cause } = first.notice.draft;
  const models = new Set(message.items.map(({ notice }) => notice.model)).size;
  return `[${severity}] ${kind} of ${models} ${models === 1 ? "model" : "models"} (cause ${cause}): ${counts}`;
}

function headlineOf({ model, state, draft }: Notice, kind: AlertsMessage["kind"]): string {
  const word =
    state === "resolved"
      ? "resolved"
      : kind === "reminder"
        ? "still firing"
        : kind === "digest"
          ? `digest, ${draft.severity}`
          : draft.severity;
  return `[${word}] ${model}: ${draft.title}`;
}

/** Whole text in plain lines; a single alert is explained, many are listed. */
export function plainText(message: Message, link: string | null): readonly string[] {
  if (message.kind === "test") {
    return [
      'This is a test: somebody typed "driftmend alerts test" to see whether alerts arrive here.',
      "Nothing is wrong and nothing is to be done.",
    ];
  }
  if (message.kind === "heartbeat") {
    return [
      "The analyzer runs, and reaches its database and NATS. When this stops coming, it does not.",
    ];
  }
  const [first, ...others] = message.items;
  if (first === undefined) return [];
  if (others.length === 0) return explained(first.notice, link);
  const shown = message.items.slice(0, LIMITS.digestAlertsShown);
  const left = message.items.length - shown.length;
  return [
    ...shown.map(({ notice }) => listed(notice)),
    ...(left === 0 ? [] : [`… and ${left} more: "driftmend alerts" lists them all`]),
    "",
    `driftmend why ${first.notice.alertId}`,
  ];
}

const listed = (notice: Notice): string =>
  `${notice.state === "resolved" ? "resolved: " : ""}${notice.model}: ${notice.draft.title} (${notice.alertId})`;

function explained(notice: Notice, link: string | null): readonly string[] {
  const { explanation, draft } = notice;
  const until = notice.toMs === null ? "" : `, until ${instant(notice.toMs)}`;
  return [
    explanation.what,
    "",
    `since    ${instant(notice.fromMs)}${until}`,
    `cost     ${explanation.cost}`,
    `cause    ${explanation.cause}: ${explanation.causeText}`,
    `where    ${explanation.where}`,
    `sure     ${explanation.certainty}`,
    ...explanation.changes.map((change) => `changed  ${change}`),
    `loop     ${explanation.loop}`,
    ...(notice.owner === null ? [] : [`owner    ${notice.owner}`]),
    ...(notice.runbook === null ? [] : [`runbook  ${notice.runbook}`]),
    ...(link === null ? [] : [`page     ${linkTo(notice, link)}`]),
    "",
    `driftmend why ${notice.alertId}`,
    ...(notice.state === "resolved" ? [] : explanation.commands),
    ...(draft.subject === "" ? [] : [`(about ${draft.subject})`]),
  ];
}

export const linkTo = ({ alertId, model }: Notice, link: string): string =>
  link
    .replaceAll("{id}", encodeURIComponent(alertId))
    .replaceAll("{model}", encodeURIComponent(model));

/** Model time as people read it. */
const instant = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** At most `max` characters, with an ellipsis where something was cut. */
export const cut = (text: string, max: number): string =>
  text.length <= max ? text : `${text.slice(0, max - 1)}…`;

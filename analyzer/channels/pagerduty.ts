/**
 * PagerDuty's Events API v2: one event opens, reminds of or resolves an incident by its dedup_key. Many
 * alerts of one cause are one incident, which is resolved when the last of them is.
 */
import type { ChannelOf } from "./channels-file.ts";
import { type Item, type Message, cut, headline, linkTo, plainText } from "./message.ts";
import { type HttpRequest, jsonRequest } from "./requests.ts";

const SUMMARY_MAX = 1_024;
/** An event may have 512 KB; what people read is far less. */
const DETAIL_MAX = 8_000;
const SEVERITY = { page: "critical", ticket: "warning", info: "info" } as const;

/** @param isOpen whether alerts that still fire were told under this key */
export function pagerdutyRequests(
  channel: ChannelOf<"pagerduty">,
  message: Message,
  link: string | null,
  isOpen: (key: string) => boolean,
): readonly HttpRequest[] {
  if (message.kind === "heartbeat") return [];
  const send = (body: object): HttpRequest =>
    jsonRequest(channel.url, { routing_key: channel.routing_key, client: "Driftmend", ...body });
  if (message.kind === "test") {
    const dedup = { dedup_key: `driftmend-test/${message.id}` };
    const payload = { summary: headline(message), source: "driftmend", severity: "info" };
    // It must not stay open: nobody would know what to do about it.
    return [
      send({ event_action: "trigger", ...dedup, payload }),
      send({ event_action: "resolve", ...dedup }),
    ];
  }
  const keys = [...new Set(message.items.map(({ key }) => key))];
  return keys.flatMap((key) => {
    const items = message.items.filter((item) => item.key === key);
    const firing = items.filter(({ notice }) => notice.state === "firing");
    if (firing.length > 0) return [send(trigger(key, { ...message, items: firing }, link))];
    return isOpen(key) ? [] : [send({ event_action: "resolve", dedup_key: key })];
  });
}

function trigger(
  key: string,
  message: Extract<Message, { readonly items: readonly Item[] }>,
  link: string | null,
): object {
  const [first] = message.items;
  if (first === undefined) return {};
  const { notice } = first;
  const isOver = message.kind === "digest";
  return {
    event_action: "trigger",
    dedup_key: key,
    ...(link === null ? {} : { client_url: linkTo(notice, link) }),
    links: notice.runbook === null ? [] : [{ href: notice.runbook, text: "Runbook" }],
    payload: {
      summary: cut(headline(message), SUMMARY_MAX),
      source: message.items.length === 1 ? notice.model : "driftmend",
      severity: isOver ? "warning" : SEVERITY[notice.draft.severity],
      component: notice.draft.subject === "" ? notice.model : notice.draft.subject,
      group: notice.draft.cause,
      class: notice.draft.kind,
      timestamp: new Date(message.madeMs).toISOString(),
      custom_details: {
        text: cut(plainText(message, link).join("\n"), DETAIL_MAX),
        alerts: message.items.slice(0, 100).map((item) => item.notice.alertId),
        count: message.items.length,
      },
    },
  };
}

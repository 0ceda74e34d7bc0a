/**
 * A webhook for programs, in the shape of Standard Webhooks: an id that never changes, a time, a signature.
 * One alert is `alert.firing` or `alert.resolved` with its explanation; several of one cause are `alerts`.
 */
import type { Notice } from "../notify/notice.ts";
import type { ChannelOf } from "./channels-file.ts";
import { type AlertsMessage, type Message, headline } from "./message.ts";
import { type HttpRequest, jsonRequest } from "./requests.ts";
import { signWebhook } from "./sign-webhook.ts";

/** @param nowMs of this attempt: a receiver refuses signatures of long ago */
export function webhookRequests(
  channel: Pick<ChannelOf<"webhook">, "url" | "secret">,
  message: Message,
  nowMs: number,
): readonly HttpRequest[] {
  const request = jsonRequest(channel.url, bodyOf(message));
  const timestampS = Math.floor(nowMs / 1000);
  const { id } = message;
  const signed =
    channel.secret === undefined
      ? {}
      : { "webhook-signature": signWebhook(channel.secret, id, timestampS, request.body) };
  return [
    {
      ...request,
      headers: {
        ...request.headers,
        ...{ "webhook-id": id, "webhook-timestamp": String(timestampS) },
        ...signed,
      },
    },
  ];
}

function bodyOf(message: Message): object {
  const timestamp = rfc3339(message.madeMs);
  if (message.kind === "test") {
    const { model } = message;
    return { type: "alert.test", timestamp, data: { model, text: headline(message) } };
  }
  if (message.kind === "heartbeat") {
    return { type: "heartbeat", timestamp, data: { everySeconds: message.everyMs / 1000 } };
  }
  const [first, ...others] = message.items;
  if (first !== undefined && others.length === 0 && message.kind === "alerts") {
    return { type: `alert.${first.notice.state}`, timestamp, data: whole(first.notice) };
  }
  return { type: TYPE[message.kind], timestamp, data: listOf(message) };
}

const TYPE = { alerts: "alerts", digest: "alerts.digest", reminder: "alerts.reminder" } as const;

function whole(notice: Notice): object {
  const { draft, alertId: id, model, state, revision, explanation, replayDigest } = notice;
  return {
    ...{ id, model, state, revision, ...draft, explanation, replayDigest },
    from: rfc3339(notice.fromMs),
    to: notice.toMs === null ? null : rfc3339(notice.toMs),
    at: rfc3339(notice.atMs),
    ...(notice.owner === null ? {} : { owner: notice.owner }),
    ...(notice.runbook === null ? {} : { runbook: notice.runbook }),
  };
}

/** Every alert by its name and what it is; `GET /api/v1/alerts/{id}` has the rest. */
function listOf({ items }: AlertsMessage): object {
  return {
    count: items.length,
    alerts: items.map(({ notice }) => ({
      ...{
        id: notice.alertId,
        model: notice.model,
        state: notice.state,
        revision: notice.revision,
      },
      ...{ kind: notice.draft.kind, severity: notice.draft.severity, cause: notice.draft.cause },
      ...{ title: notice.draft.title, from: rfc3339(notice.fromMs) },
    })),
  };
}

const rfc3339 = (ms: number): string => new Date(ms).toISOString();

/** Sends one message through one channel and says what became of it; never throws. */
import type { Answer } from "../notify/retry.ts";
import { alertmanagerRequests } from "./alertmanager.ts";
import type { Channel } from "./channels-file.ts";
import { sendMail } from "./email.ts";
import type { Message } from "./message.ts";
import { pagerdutyRequests } from "./pagerduty.ts";
import { post } from "./post.ts";
import { type HttpRequest, jsonRequest } from "./requests.ts";
import { slackRequests } from "./slack.ts";
import { webhookRequests } from "./webhook.ts";

export interface SendContext {
  readonly nowMs: number;
  readonly link: string | null;
  /** Whether alerts that still fire were told under this key. */
  readonly isOpen: (key: string) => boolean;
}

export async function sendMessage(
  channel: Channel,
  message: Message,
  context: SendContext,
): Promise<Answer> {
  if (channel.kind === "email") return sendMail(channel, message, context.link);
  return postAll(requestsOf(channel, message, context), context.nowMs);
}

/** One after the other; the first that is not taken ends it: all are repeated under the same keys. */
export async function postAll(requests: readonly HttpRequest[], nowMs: number): Promise<Answer> {
  let answer: Answer = { kind: "delivered", detail: "nothing to send" };
  for (const request of requests) {
    answer = await post(request, nowMs);
    if (answer.kind !== "delivered") return answer;
  }
  return answer;
}

function requestsOf(
  channel: Exclude<Channel, { readonly kind: "email" }>,
  message: Message,
  { nowMs, link, isOpen }: SendContext,
): readonly HttpRequest[] {
  switch (channel.kind) {
    case "alertmanager":
      return alertmanagerRequests(channel, message, link);
    case "webhook":
      return webhookRequests(channel, message, nowMs);
    case "slack":
      return slackRequests(channel, message, link);
    case "pagerduty":
      return pagerdutyRequests(channel, message, link, isOpen);
    case "heartbeat":
      // What a dead man's switch takes: any request at all.
      return [jsonRequest(channel.url, { from: "driftmend", at: new Date(nowMs).toISOString() })];
  }
}

/**
 * Slack's incoming webhooks: `text` for notifications and a few Block Kit blocks. Limits of Slack's own:
 * 150 characters of a header, 3 000 of a section. `&`, `<` and `>` are its only control characters.
 */
import type { ChannelOf } from "./channels-file.ts";
import { type Message, cut, headline, linkTo, plainText } from "./message.ts";
import { type HttpRequest, jsonRequest } from "./requests.ts";

const HEADER_MAX = 150;
/** Below 3 000, since escaping lengthens. */
const SECTION_MAX = 2_400;

export function slackRequests(
  channel: ChannelOf<"slack">,
  message: Message,
  link: string | null,
): readonly HttpRequest[] {
  const title = headline(message);
  const lines = plainText(message, null);
  const first = "items" in message ? message.items[0]?.notice : undefined;
  const context = [
    ...(link === null || first === undefined ? [] : [`<${linkTo(first, link)}|Open the page>`]),
    ...(first?.runbook == null ? [] : [`<${first.runbook}|Runbook>`]),
  ];
  const blocks = [
    { type: "header", text: { type: "plain_text", text: cut(title, HEADER_MAX), emoji: false } },
    {
      type: "section",
      text: {
        type: "mrkdwn",
        text: `\`\`\`${escape(fenced(cut(lines.join("\n"), SECTION_MAX)))}\`\`\``,
      },
    },
    ...(context.length === 0
      ? []
      : [{ type: "context", elements: [{ type: "mrkdwn", text: context.join(" · ") }] }]),
  ];
  return [jsonRequest(channel.url, { text: escape(title), blocks })];
}

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** A fence in the text would end ours. */
const fenced = (text: string): string => text.replaceAll("```", "'''");

/**
 * E-mail by SMTP. What follows on an alert answers its first mail, so that mail programs keep them
 * together; marked as sent by a machine, so that nobody's absence notice answers.
 */
import { createTransport } from "nodemailer";
import { LIMITS } from "../../contract/limits.ts";
import type { Answer } from "../notify/retry.ts";
import type { ChannelOf } from "./channels-file.ts";
import { type Message, cut, headline, plainText } from "./message.ts";

const SUBJECT_MAX = 200;

/** RFC 5322 wants something that looks like an address. */
export const mailId = (id: string): string => `<${id.replaceAll(/[^\w.-]/g, "-")}@driftmend>`;

export async function sendMail(
  channel: ChannelOf<"email">,
  message: Message,
  link: string | null,
): Promise<Answer> {
  const { host, port, tls, user, password } = channel;
  const timeoutMs = LIMITS.notificationTimeoutMs;
  const transport = createTransport({
    ...{ host, port, secure: tls === "implicit" },
    ...{ requireTLS: tls === "starttls", ignoreTLS: tls === "off" },
    ...(user === undefined ? {} : { auth: { user, pass: password ?? "" } }),
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const first = "items" in message && message.items.length === 1 ? message.items[0] : undefined;
    const own = mailId(message.id);
    const answers = first !== undefined && first.key !== own ? first.key : undefined;
    const sent = await transport.sendMail({
      ...{ from: channel.from, to: channel.to, subject: cut(headline(message), SUBJECT_MAX) },
      ...{ text: `${plainText(message, link).join("\n")}\n`, messageId: own },
      ...(answers === undefined ? {} : { inReplyTo: answers, references: answers }),
      ...(message.kind !== "heartbeat" && message.kind !== "test" && isUrgent(message)
        ? { priority: "high" as const }
        : {}),
      date: new Date(message.madeMs),
      headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
    });
    return { kind: "delivered", detail: cut(sent.response, 200) };
  } catch (error) {
    return failureOf(error);
  } finally {
    transport.close();
  }
}

const isUrgent = (message: Extract<Message, { readonly items: unknown }>): boolean =>
  message.items.some(({ notice }) => notice.draft.severity === "page" && notice.state === "firing");

/** A 5xx to this mail is a refusal; one to the login, and everything else, meets every mail. */
function failureOf(error: unknown): Answer {
  const detail = cut(error instanceof Error ? error.message : String(error), 300);
  const code = error instanceof Error && "responseCode" in error ? Number(error.responseCode) : 0;
  const command = error instanceof Error && "command" in error ? String(error.command) : "";
  const isOfMail = /MAIL|RCPT|DATA/.test(command);
  return {
    kind: code >= 500 && isOfMail ? "refused" : "unreachable",
    detail,
    retryAfterMs: null,
  };
}

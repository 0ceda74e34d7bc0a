/** Which channels hear of a model's alerts: those that its document names, else the defaults. */
import type { AlertSeverity } from "../../contract/alert.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { Channel, ChannelBook } from "../channels/channels-file.ts";
import type { ChannelTraits } from "./plan.ts";

type Alerts = OnboardingDocument["alerts"];

export interface RoutingOptions {
  readonly book: ChannelBook;
  /** Gets everything that no document sends elsewhere (DRIFTMEND_WEBHOOK_URL). */
  readonly webhookUrl: string | undefined;
  readonly webhookSecret: string | undefined;
}

const DEFAULT_WEBHOOK = "webhook/default";
const OF_DOCUMENT = /^webhook\/(https?:\/\/.+)$/;

export class Routing {
  readonly book: ChannelBook;
  private readonly options: RoutingOptions;

  constructor(options: RoutingOptions) {
    this.options = options;
    this.book = options.book;
  }

  /** Names, without repeats; none: the alert stays in the list. */
  channelsOf(alerts: Alerts, severity: AlertSeverity): readonly string[] {
    const { webhookUrl } = this.options;
    const named = alerts[severity] ?? this.book.defaults[severity] ?? [];
    if (alerts.webhook !== undefined) return [...new Set([...named, `webhook/${alerts.webhook}`])];
    return named.length === 0 && webhookUrl !== undefined ? [DEFAULT_WEBHOOK] : [...new Set(named)];
  }

  /** Null: no such channel is configured. */
  channel(name: string): Channel | null {
    const known = this.book.channels.get(name);
    if (known !== undefined) return known;
    const { webhookUrl, webhookSecret: secret } = this.options;
    const url = name === DEFAULT_WEBHOOK ? webhookUrl : OF_DOCUMENT.exec(name)?.[1];
    if (url === undefined) return null;
    const often = { remind: "off", heartbeat: "off" } as const;
    return { kind: "webhook", name, url, ...often, ...(secret === undefined ? {} : { secret }) };
  }

  traits(name: string): ChannelTraits | null {
    const channel = this.channel(name);
    return channel === null ? null : traitsOf(channel);
  }

  /** @throws {DriftmendError} channel_unknown: the document names channels that are not configured */
  check(alerts: Alerts): void {
    const unknown = (["page", "ticket", "info"] as const).flatMap((severity) =>
      (alerts[severity] ?? [])
        .filter((name) => !this.isRoutable(name))
        .map((name) => `alerts.${severity}: "${name}"`),
    );
    if (unknown.length === 0) return;
    const names = [...this.book.channels.keys()].filter((name) => this.isRoutable(name));
    throw new DriftmendError("channel_unknown", {
      retry: "never",
      message: `Cannot send alerts to ${unknown.join(", ")} as a channel of that name must be configured: ${names.length === 0 ? "none is" : `known are ${names.join(", ")}`}`,
      next: "Name one of them, or add the channel to the file that DRIFTMEND_CHANNELS names and start the analyzer again (docs/alerts.md).",
    });
  }

  private isRoutable(name: string): boolean {
    const channel = this.book.channels.get(name);
    return channel !== undefined && channel.kind !== "heartbeat";
  }
}

function traitsOf(channel: Channel): ChannelTraits {
  switch (channel.kind) {
    case "alertmanager":
      return { stateful: true, grouped: false, remindMs: null };
    case "pagerduty":
      return { stateful: true, grouped: true, remindMs: null };
    case "slack":
    case "email":
    case "webhook": {
      const { remind } = channel;
      return { stateful: false, grouped: true, remindMs: remind === "off" ? null : remind };
    }
    case "heartbeat":
      return { stateful: false, grouped: true, remindMs: null };
  }
}

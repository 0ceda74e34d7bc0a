/**
 * Alertmanager's API v2: an alert is its labels, so they hold nothing that changes while it fires; it is
 * sent again each minute, and ends by itself when that stops. Beside our alerts DriftmendWatchdog always
 * fires: its absence means that the analyzer, its database or NATS is away.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { Notice } from "../notify/notice.ts";
import type { ChannelOf } from "./channels-file.ts";
import { type Item, type Message, headline, linkTo } from "./message.ts";
import { type HttpRequest, jsonRequest } from "./requests.ts";

/** Times that an alert may be missed before Alertmanager takes it for resolved. */
const PERIODS_TO_EXPIRE = 4;
const EXPIRES_MS_MIN = 120_000;

type Labels = Readonly<Record<string, string>>;

/** The labels under which an alert is told, as JSON: what identifies it there. */
export function labelsOf({ model, draft }: Notice, overBudget: boolean): string {
  const name = draft.kind
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
  const labels = {
    ...{ alertname: `Driftmend${name}`, model, kind: draft.kind, cause: draft.cause },
    severity: overBudget ? "info" : draft.severity,
    ...(draft.subject === "" ? {} : { subject: draft.subject }),
    ...(overBudget ? { budget: "over" } : {}),
  };
  return JSON.stringify(labels);
}

/** What changed. */
export function alertmanagerRequests(
  channel: ChannelOf<"alertmanager">,
  message: Message,
  link: string | null,
): readonly HttpRequest[] {
  switch (message.kind) {
    case "heartbeat":
      return post(channel, [watchdog(channel, message.madeMs)]);
    case "test":
      return post(channel, [
        {
          labels: { alertname: "DriftmendTest", model: message.model, severity: "info" },
          annotations: { summary: headline(message) },
          startsAt: rfc3339(message.madeMs),
          endsAt: rfc3339(message.madeMs + EXPIRES_MS_MIN),
        },
      ]);
    case "alerts":
    case "digest":
    case "reminder":
      return post(
        channel,
        message.items.map((item) => alertOf(channel, item, message.madeMs, link)),
      );
  }
}

/** Everything that fires, and the watchdog where it is true; what resolved lately too, should it have been missed. */
export function alertmanagerState(
  channel: ChannelOf<"alertmanager">,
  items: readonly Item[],
  nowMs: number,
  link: string | null,
  isWatching: boolean,
): readonly HttpRequest[] {
  const alerts = items.map((item) => alertOf(channel, item, nowMs, link));
  return post(channel, isWatching ? [...alerts, watchdog(channel, nowMs)] : alerts);
}

function alertOf(
  channel: ChannelOf<"alertmanager">,
  { notice, key }: Item,
  nowMs: number,
  link: string | null,
): object {
  const { draft, explanation } = notice;
  return {
    labels: JSON.parse(key) as Labels,
    annotations: {
      summary: draft.title,
      description: draft.text,
      alert: notice.alertId,
      since: rfc3339(notice.fromMs),
      cost: explanation.cost,
      where: explanation.where,
      certainty: explanation.certainty,
      loop: explanation.loop,
      commands: [`driftmend why ${notice.alertId}`, ...explanation.commands].join("\n"),
      ...(notice.owner === null ? {} : { owner: notice.owner }),
      ...(notice.runbook === null ? {} : { runbook_url: notice.runbook }),
    },
    ...(link === null ? {} : { generatorURL: linkTo(notice, link) }),
    // Wall time: a replay's alerts carry the time of its data in "since".
    ...(notice.state === "firing"
      ? { startsAt: rfc3339(notice.noticedMs), endsAt: rfc3339(nowMs + expiresMs(channel)) }
      : { endsAt: rfc3339(notice.noticedMs) }),
  };
}

function watchdog(channel: ChannelOf<"alertmanager">, nowMs: number): object {
  return {
    labels: { alertname: "DriftmendWatchdog", severity: "none" },
    annotations: {
      summary: "Always fires while Driftmend watches: its absence is what matters",
    },
    endsAt: rfc3339(nowMs + expiresMs(channel)),
  };
}

const expiresMs = ({ heartbeat }: ChannelOf<"alertmanager">): number =>
  Math.max(EXPIRES_MS_MIN, PERIODS_TO_EXPIRE * heartbeat);

function post(
  { url, user, password }: ChannelOf<"alertmanager">,
  alerts: readonly object[],
): readonly HttpRequest[] {
  const path = new URL("api/v2/alerts", url.endsWith("/") ? url : `${url}/`).href;
  const login = Buffer.from(`${user ?? ""}:${password ?? ""}`).toString("base64");
  const headers = password === undefined ? {} : { authorization: `Basic ${login}` };
  const size = LIMITS.alertmanagerAlertsPerRequest;
  const chunks = Array.from({ length: Math.ceil(alerts.length / size) }, (_, i) =>
    alerts.slice(i * size, (i + 1) * size),
  );
  return chunks.map((chunk) => jsonRequest(path, chunk, headers));
}

const rfc3339 = (ms: number): string => new Date(ms).toISOString();

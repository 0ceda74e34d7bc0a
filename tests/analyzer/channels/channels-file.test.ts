import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseChannels, readChannelsFile } from "../../../analyzer/channels/channels-file.ts";
import { Routing } from "../../../analyzer/notify/routing.ts";

const folder = mkdtempSync(join(tmpdir(), "driftmend-channels-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const KEY = join(folder, "routing-key");
writeFileSync(KEY, "R0UT1NG\n");

const text = `
channels:
  alertmanager/main: { url: http://alertmanager:9093 }
  slack/#risk-ml: { url: env:SLACK_HOOK }
  pagerduty/risk: { routing_key: "file:${KEY}" }
  email/risk: { host: mail.example, user: driftmend, password: env:MAIL, from: a@example.com, to: [b@example.com] }
  webhook/ops: { url: https://ops.example/hook, secret: env:HOOK_SECRET, heartbeat: 1m }
  heartbeat/deadman: { url: env:DEADMAN, every: 30s }
defaults: { page: [pagerduty/risk, alertmanager/main], ticket: slack/#risk-ml }
link: https://driftmend.example/alerts/{id}
`;
const env = {
  SLACK_HOOK: "https://hooks.slack.example/T/B/x",
  MAIL: "m",
  HOOK_SECRET: "whsec_x",
  DEADMAN: "https://deadman.example/ping/1",
};

function failure(channels: string): string {
  try {
    parseChannels(channels, "channels.yaml", {});
  } catch (error) {
    return String(error);
  }
  return "";
}

describe("the file of channels", () => {
  it("describes each by kind and name, with secrets from the environment and from files", () => {
    const { channels, defaults, link } = parseChannels(text, "channels.yaml", env);
    expect([...channels.keys()]).toHaveLength(6);
    expect(channels.get("pagerduty/risk")).toEqual({
      ...{ kind: "pagerduty", name: "pagerduty/risk", routing_key: "R0UT1NG" },
      url: "https://events.pagerduty.com/v2/enqueue",
    });
    expect(channels.get("slack/#risk-ml")).toMatchObject({
      url: env.SLACK_HOOK,
      remind: 14_400_000,
    });
    expect(channels.get("alertmanager/main")).toMatchObject({ heartbeat: 60_000 });
    expect(defaults).toEqual({
      page: ["pagerduty/risk", "alertmanager/main"],
      ticket: ["slack/#risk-ml"],
    });
    expect(link).toBe("https://driftmend.example/alerts/{id}");
  });

  it("says everything that is wrong with it at once", () => {
    const wrong = `
channels:
  slack/a: { url: "env:NOWHERE" }
  pager/b: {}
  pagerduty/c: { routing_key: abcdef, urgency: high }
  email/d: { host: "", from: a@b, to: [] }
  webhook/e: { url: "file:${join(folder, "none")}" }
defaults: { page: slack/z }
`;
    const said = failure(wrong);
    for (const part of [
      "slack/a: url: the variable NOWHERE is not set",
      '"pager/b" is no channel, expected alertmanager|webhook|slack|pagerduty|email|heartbeat/<name>',
      "pagerduty/c: routing_key: expected env:NAME or file:PATH: secrets are not written into this file",
      "pagerduty/c: : Unrecognized key",
      "email/d: host",
      "email/d: to",
      "webhook/e: url: ENOENT",
      'defaults.page: no channel is named "slack/z"',
    ]) {
      expect(said).toContain(part);
    }
    expect(failure("channels: [a]")).toContain("channels: ");
    expect(() => readChannelsFile(join(folder, "none.yaml"), {})).toThrow(/ENOENT/);
  });
});

describe("routing", () => {
  const routing = new Routing({
    ...{ book: parseChannels(text, "channels.yaml", env), webhookUrl: undefined },
    webhookSecret: undefined,
  });

  it("goes where the document says, else where the defaults say", () => {
    expect(routing.channelsOf({ page: ["slack/#risk-ml"] }, "page")).toEqual(["slack/#risk-ml"]);
    expect(routing.channelsOf({}, "ticket")).toEqual(["slack/#risk-ml"]);
    expect(routing.channelsOf({}, "info")).toEqual([]);
  });

  it("refuses names that nobody configured, and lists those that it knows", () => {
    const check = () => routing.check({ page: ["pagerduty/riks"], info: ["heartbeat/deadman"] });
    expect(check).toThrow(
      'Cannot send alerts to alerts.page: "pagerduty/riks", alerts.info: "heartbeat/deadman" as a channel of that name must be configured: known are alertmanager/main, slack/#risk-ml, pagerduty/risk, email/risk, webhook/ops',
    );
    routing.check({ page: ["pagerduty/risk"], webhook: "https://x.example" });
  });

  it("sends everything to a document's own webhook too, and to the default one what goes nowhere", () => {
    expect(routing.channelsOf({ webhook: "https://x.example/h" }, "info")).toEqual([
      "webhook/https://x.example/h",
    ]);
    const old = new Routing({
      book: { channels: new Map(), defaults: {}, link: null },
      ...{ webhookUrl: "https://y.example", webhookSecret: "a-secret-of-tests" },
    });
    expect(old.channelsOf({}, "page")).toEqual(["webhook/default"]);
    expect(old.channel("webhook/default")).toMatchObject({
      ...{ url: "https://y.example", secret: "a-secret-of-tests" },
    });
  });
});

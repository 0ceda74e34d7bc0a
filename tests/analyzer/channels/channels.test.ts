import { SMTPServer } from "smtp-server";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { signWebhook } from "../../../analyzer/channels/sign-webhook.ts";
import { type Receiver, startReceiver } from "../notify/support/receiver.ts";
import {
  type NotificationStage,
  change,
  startNotifications,
} from "../notify/support/notification-stage.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const HOUR = 3_600_000;

let receiver: Receiver;
const mails: { from: string; to: string[]; text: string; user: string }[] = [];
let refusals = 0;
const smtp = new SMTPServer({
  disabledCommands: ["STARTTLS"],
  authOptional: true,
  allowInsecureAuth: true,
  onAuth: ({ username = "", password }, _session, callback) =>
    password === "pass" ? callback(null, { user: username }) : callback(new Error("no")),
  onData: (stream, session, callback) => {
    let text = "";
    stream.on("data", (part: Buffer) => (text += part.toString()));
    stream.on("end", () => {
      if (refusals-- > 0) {
        callback(Object.assign(new Error("try again"), { responseCode: 451 }));
        return;
      }
      const { mailFrom, rcptTo } = session.envelope;
      mails.push({
        from: mailFrom === false ? "" : mailFrom.address,
        to: rcptTo.map(({ address }) => address),
        ...{ text, user: String(session.user ?? "") },
      });
      callback();
    });
  },
});
let mailPort = 0;

beforeAll(async () => {
  receiver = await startReceiver();
  await new Promise<void>((resolve) => smtp.listen(0, "127.0.0.1", resolve));
  mailPort = (smtp.server.address() as AddressInfo).port;
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
});
beforeEach(() => {
  receiver.received.length = 0;
  receiver.reply = { status: 200 };
});

function stageWith(channel: string): NotificationStage {
  const env = { HERE: receiver.url, KEY: "R0UT1NG", SECRET, PASS: "pass" };
  return startNotifications(
    `channels: { ${channel} }\nlink: https://drift.example/alerts/{id}`,
    env,
  );
}

/** Fires, and resolves. */
async function story(stage: NotificationStage, page: string): Promise<void> {
  await stage.tell([change("firing")], { page });
  await stage.run(5_000);
  await stage.tell([change("resolved")], { page });
  await stage.run(5_000);
}

describe("a webhook", () => {
  it("is signed, has an id that never changes, and carries the whole explanation", async () => {
    using stage = stageWith("webhook/ops: { url: env:HERE, secret: env:SECRET }");
    receiver.reply = { status: 503 };
    await stage.tell([change("firing")], { page: "webhook/ops" });
    await stage.run(3_000);
    receiver.reply = { status: 204 };
    await stage.run(5_000);
    const [first, second] = receiver.received;
    expect(second?.headers["webhook-id"]).toBe("error-share-1.2");
    expect(first?.headers["webhook-id"]).toBe("error-share-1.2");
    expect(second?.text).toBe(first?.text);
    const timestamp = Number(second?.headers["webhook-timestamp"]);
    expect(second?.headers["webhook-signature"]).toBe(
      signWebhook(SECRET, "error-share-1.2", timestamp, second?.text ?? ""),
    );
    expect(second?.body).toMatchObject({
      type: "alert.firing",
      data: {
        ...{ id: "error-share-1", model: "fraud", kind: "error-share", revision: 2 },
        explanation: { cost: "13 requests got no answer in this span" },
      },
    });
  });
});

describe("Slack", () => {
  it("gets a line for the phone and the explanation, with its control characters escaped", async () => {
    using stage = stageWith("slack/#ml: { url: env:HERE }");
    const draft = { title: "a < b & <!channel>" };
    await stage.tell([change("firing", { draft })], { page: "slack/#ml" });
    await stage.run(5_000);
    const body = z
      .object({ text: z.string(), blocks: z.array(z.looseObject({ type: z.string() })) })
      .parse(receiver.received[0]?.body);
    expect(body.text).toBe("[page] fraud: a &lt; b &amp; &lt;!channel&gt;");
    expect(body.blocks.map(({ type }) => type)).toEqual(["header", "section", "context"]);
    expect(receiver.received[0]?.text).toContain("driftmend silence error-share-1 --for 4h");
    expect(receiver.received[0]?.text).toContain("<https://drift.example/alerts/error-share-1|");
    expect(receiver.received[0]?.text).toContain("<https://wiki.example/fraud|Runbook>");
  });

  it("takes texts of any length within its limits", async () => {
    using stage = stageWith("slack/#ml: { url: env:HERE }");
    const draft = { title: "t".repeat(5_000), text: "x&".repeat(20_000) };
    await stage.tell([change("firing", { draft })], { page: "slack/#ml" });
    await stage.run(5_000);
    const Text = z.looseObject({ text: z.looseObject({ text: z.string() }).optional() });
    const { blocks } = z.object({ blocks: z.array(Text) }).parse(receiver.received[0]?.body);
    expect(blocks[0]?.text?.text.length).toBeLessThanOrEqual(150);
    expect(blocks[1]?.text?.text.length).toBeLessThanOrEqual(3_000);
  });
});

describe("PagerDuty", () => {
  const channel = "pagerduty/risk: { routing_key: env:KEY, url: env:HERE }";

  it("opens an incident under the alert's id and resolves it", async () => {
    using stage = stageWith(channel);
    await story(stage, "pagerduty/risk");
    expect(receiver.received.map(({ body }) => body)).toMatchObject([
      {
        ...{ routing_key: "R0UT1NG", event_action: "trigger", dedup_key: "error-share-1" },
        client_url: "https://drift.example/alerts/error-share-1",
        links: [{ href: "https://wiki.example/fraud" }],
        payload: {
          summary: "[page] fraud: 2.9 % of the requests fail",
          ...{ source: "fraud", severity: "critical", class: "error-share", group: "unknown" },
        },
      },
      { routing_key: "R0UT1NG", event_action: "resolve", dedup_key: "error-share-1" },
    ]);
  });

  it("makes one incident of many alerts, and resolves it with the last of them", async () => {
    using stage = stageWith(channel);
    const all = ["a", "b", "c"];
    const page = "pagerduty/risk";
    for (const id of all) await stage.tell([change("firing", { id, model: id })], { page });
    await stage.run(5_000);
    const Event = z.looseObject({ event_action: z.string(), dedup_key: z.string() });
    const events = () => receiver.received.map(({ body }) => Event.parse(body));
    expect(events()).toHaveLength(1);
    await stage.tell([change("resolved", { id: "a", model: "a" })], { page });
    await stage.run(HOUR, 60_000);
    expect(events().filter(({ event_action: action }) => action === "resolve")).toEqual([]);
    for (const id of ["b", "c"])
      await stage.tell([change("resolved", { id, model: id })], { page });
    await stage.run(HOUR, 60_000);
    const [opened, closed] = events();
    expect(closed).toMatchObject({ event_action: "resolve", dedup_key: opened?.dedup_key });
    expect(events()).toHaveLength(2);
  });

  it("wakes nobody for what was over when it came back", async () => {
    using stage = stageWith(channel);
    receiver.reply = { status: 500 };
    await story(stage, "pagerduty/risk");
    receiver.received.length = 0;
    receiver.reply = { status: 202 };
    await stage.run(HOUR, 60_000);
    expect(receiver.received.map(({ body }) => body)).toMatchObject([
      { event_action: "resolve", dedup_key: "error-share-1" },
    ]);
    expect(stage.notifications.state().waiting).toBe(0);
  });

  it("closes what a test opened", async () => {
    using stage = stageWith(channel);
    const [answer] = await stage.notifications.test("fraud", { page: ["pagerduty/risk"] });
    expect(answer).toMatchObject({ delivered: true });
    const actions = receiver.received.map(({ text }) => /"event_action":"(\w+)"/.exec(text)?.[1]);
    expect(actions).toEqual(["trigger", "resolve"]);
  });
});

describe("Alertmanager", () => {
  const Alerts = z.array(
    z.looseObject({
      labels: z.record(z.string(), z.string()),
      startsAt: z.string().optional(),
      endsAt: z.string().optional(),
    }),
  );
  const told = (name: string) =>
    receiver.received
      .flatMap(({ body }) => Alerts.parse(body))
      .filter(({ labels }) => labels["alertname"] === name);

  it("hears of an alert each minute while it fires, and of its end", async () => {
    using stage = stageWith("alertmanager/main: { url: env:HERE, heartbeat: 1m }");
    const page = "alertmanager/main";
    await stage.tell([change("firing")], { page });
    await stage.run(4 * 60_000, 10_000);
    expect(receiver.received[0]?.path).toBe("/api/v2/alerts");
    const firing = told("DriftmendErrorShare");
    expect(firing.length).toBeGreaterThanOrEqual(4);
    expect(firing[0]?.labels).toEqual({
      ...{ alertname: "DriftmendErrorShare", model: "fraud", kind: "error-share" },
      ...{ cause: "unknown", severity: "page" },
    });
    for (const { endsAt } of firing)
      expect(Date.parse(endsAt ?? "")).toBeGreaterThan(stage.nowMs() - HOUR);
    receiver.received.length = 0;
    // What changes while it fires is no part of its identity.
    await stage.tell([change("resolved", { draft: { cause: "model" } })], { page });
    await stage.run(60_000, 10_000);
    const [end] = told("DriftmendErrorShare");
    expect(end?.labels).toEqual(firing[0]?.labels);
    expect(Date.parse(end?.endsAt ?? "")).toBeLessThanOrEqual(stage.nowMs());
  });

  it("hears the watchdog while alerts could arise, and only then", async () => {
    using stage = stageWith("alertmanager/main: { url: env:HERE, heartbeat: 1m }");
    await stage.run(3 * 60_000, 10_000);
    expect(told("DriftmendWatchdog").length).toBeGreaterThanOrEqual(3);
    receiver.received.length = 0;
    stage.unwell = "the database does not answer";
    await stage.run(3 * 60_000, 10_000);
    expect(told("DriftmendWatchdog")).toEqual([]);
    expect(stage.notifications.state().channels[0]?.lastError).toContain("database");
  });

  it("takes a thousand alerts in two requests", async () => {
    using stage = stageWith("alertmanager/main: { url: env:HERE }");
    const failing = Array.from({ length: 1_000 }, (_, i) =>
      change("firing", { id: `a${i}`, model: `m${i}` }),
    );
    await stage.tell(failing, { page: "alertmanager/main" });
    await stage.run(3_000);
    const sizes = receiver.received.map(({ body }) => Alerts.parse(body).length);
    expect(sizes.filter((size) => size === 500)).toHaveLength(2);
  }, 120_000);
});

describe("a dead man's switch", () => {
  it("is pinged as often as it wants while alerts could arise", async () => {
    using stage = stageWith("heartbeat/deadman: { url: env:HERE, every: 30s }");
    await stage.run(120_000, 1_000);
    expect(receiver.received).toHaveLength(4);
    stage.unwell = "NATS is away";
    await stage.run(120_000, 1_000);
    expect(receiver.received).toHaveLength(4);
  });
});

describe("e-mail", () => {
  const mailer = (rest = ""): NotificationStage =>
    stageWith(
      `email/risk: { host: 127.0.0.1, port: ${mailPort}, tls: "off", from: "Driftmend <drift@bank.example>", to: [risk@bank.example]${rest} }`,
    );
  beforeEach(() => {
    mails.length = 0;
  });

  it("comes as plain text, and the end answers the beginning", async () => {
    using stage = mailer(", user: drift, password: env:PASS");
    await story(stage, "email/risk");
    expect(mails).toMatchObject([
      { from: "drift@bank.example", to: ["risk@bank.example"], user: "drift" },
      { to: ["risk@bank.example"] },
    ]);
    const [first, second] = mails.map(({ text }) => text);
    expect(first).toContain("Subject: [page] fraud: 2.9 % of the requests fail");
    expect(first).toContain("Auto-Submitted: auto-generated");
    expect(first).toContain("Message-ID: <error-share-1.2@driftmend>");
    expect(first).toContain("driftmend why error-share-1");
    expect(second).toContain("In-Reply-To: <error-share-1.2@driftmend>");
  });

  it("cannot be made to carry other headers by a model's name", async () => {
    using stage = mailer();
    const model = "fraud\r\nBcc: all@bank.example";
    await stage.tell([change("firing", { model })], { page: "email/risk" });
    await stage.run(5_000);
    expect(mails[0]?.to).toEqual(["risk@bank.example"]);
    expect(mails[0]?.text).not.toMatch(/^Bcc:/m);
  });

  it("is tried again when the server is busy", async () => {
    using stage = mailer();
    refusals = 2;
    await stage.tell([change("firing")], { page: "email/risk" });
    await stage.run(20_000);
    expect(mails).toHaveLength(1);
  });

  it("does not trust a server whose certificate nobody vouches for", async () => {
    // Its own certificate is one of tests.
    const secured = new SMTPServer({ authOptional: true });
    await new Promise<void>((resolve) => secured.listen(0, "127.0.0.1", resolve));
    const { port } = secured.server.address() as AddressInfo;
    using stage = stageWith(
      `email/risk: { host: 127.0.0.1, port: ${port}, from: a@b.example, to: [c@d.example] }`,
    );
    await stage.tell([change("firing")], { page: "email/risk" });
    await stage.run(5_000);
    expect(stage.notifications.state().channels[0]?.lastError).toMatch(/certificate/);
    await new Promise<void>((resolve) => secured.close(() => resolve()));
  });

  it("is not sent in the clear where encryption is asked for", async () => {
    using stage = stageWith(
      `email/risk: { host: 127.0.0.1, port: ${mailPort}, from: a@b.example, to: [c@d.example] }`,
    );
    await stage.tell([change("firing")], { page: "email/risk" });
    await stage.run(5_000);
    expect(mails).toEqual([]);
    expect(stage.notifications.state().channels[0]?.lastError).toMatch(/STARTTLS|TLS/);
  });
});

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Receiver, startReceiver } from "./support/receiver.ts";
import {
  type NotificationStage,
  change,
  startNotifications,
} from "./support/notification-stage.ts";

const HOUR = 3_600_000;
const Slack = z.object({ text: z.string() });
const texts = ({ received }: Receiver): string[] =>
  received.map(({ body }) => Slack.parse(body).text);

let receiver: Receiver;
let stage: NotificationStage;
const alerts = { page: "slack/#ml", ticket: "slack/#tickets" };

beforeEach(async () => {
  receiver = await startReceiver();
  stage = startNotifications(
    "channels: { slack/#ml: { url: env:HOOK }, slack/#tickets: { url: env:HOOK } }",
    { HOOK: receiver.url },
  );
});
afterEach(async () => {
  stage[Symbol.dispose]();
  await receiver[Symbol.asyncDispose]();
});

describe("notifications", () => {
  it("tell that an alert fires, and that it is over, once each", async () => {
    await stage.tell([change("firing")], alerts);
    await stage.tell([change("firing")], alerts);
    await stage.run(10_000);
    await stage.tell([change("resolved")], alerts);
    await stage.run(10_000);
    expect(texts(receiver)).toEqual([
      "[page] fraud: 2.9 % of the requests fail",
      "[resolved] fraud: 2.9 % of the requests fail",
    ]);
    expect(stage.notifications.storyOf("error-share-1").map(({ text }) => text)).toEqual([
      "slack/#ml: firing delivered",
      "slack/#ml: resolved delivered",
    ]);
  });

  it("leave an alert in the list that no channel hears of", async () => {
    await stage.tell([change("firing", { draft: { severity: "info" } })], alerts);
    await stage.run(10_000);
    expect(receiver.received).toEqual([]);
    expect(stage.notifications.state()).toMatchObject({ waiting: 0 });
  });

  it("of 1 000 models that alert for one cause are at most 10, and count them all", async () => {
    // Evaluating a thousand models takes a while: they alert over two minutes.
    for (let hundred = 0; hundred < 10; hundred++) {
      const failing = Array.from({ length: 100 }, (_, i) => {
        const model = hundred * 100 + i;
        return change("firing", { id: `a-${model}`, model: `m-${model}` });
      });
      await stage.tell(failing, alerts);
      await stage.run(12_000, 4_000);
    }
    await stage.run(HOUR, 60_000);
    const told = texts(receiver);
    expect(told.length).toBeLessThanOrEqual(10);
    const counts = told.map((text) => Number(/(\d+) firing/.exec(text)?.[1] ?? 1));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1_000);
    expect(stage.notifications.storyOf("a-999")).toHaveLength(1);
    expect(receiver.received.at(-1)?.text).toMatch(/and \d+ more/);
  }, 120_000);

  it("outlive a day without their channel, and tell then what is true", async () => {
    receiver.reply = { status: 500 };
    await stage.tell([change("firing", { id: "first" })], alerts);
    await stage.run(60_000);
    expect(stage.notifications.state().channels).toMatchObject([
      { name: "slack/#ml", up: false, waiting: 1, lastError: "answered 500: ok" },
      { name: "slack/#tickets", up: true },
    ]);
    for (const id of ["b", "c", "d"])
      await stage.tell([change("firing", { id, model: id })], alerts);
    await stage.tell([change("resolved", { id: "b", model: "b" })], alerts);
    await stage.run(24 * HOUR, 300_000);
    // Once in ten minutes at the most: a receiver that is ill is not helped by noise.
    expect(receiver.received.length).toBeLessThan(24 * 12);
    receiver.reply = { status: 200 };
    const before = receiver.received.length;
    await stage.run(20 * 60_000, 10_000);
    const after = texts(receiver).slice(before);
    expect(after).toEqual([
      "[page] fraud: 2.9 % of the requests fail",
      "[page] error-share of 3 models (cause unknown): 2 firing, 1 resolved",
    ]);
    expect(stage.notifications.state()).toMatchObject({ waiting: 0, oldestMs: null });
  }, 120_000);

  it("that were silenced on their way are told when the silence ends, if they still fire", async () => {
    receiver.reply = { status: 500 };
    const both = [change("firing"), change("firing", { id: "error-share-2" })];
    await stage.tell(both, alerts);
    await stage.run(5_000);
    stage.notifications.noteAction("error-share-1", "silence", stage.nowMs() + HOUR, stage.nowMs());
    receiver.reply = { status: 200 };
    const before = receiver.received.length;
    await stage.run(50 * 60_000, 10_000);
    expect(texts(receiver).slice(before)).toEqual(["[page] fraud: 2.9 % of the requests fail"]);
    await stage.run(20 * 60_000, 10_000);
    expect(texts(receiver).slice(before + 1)).toEqual(["[page] fraud: 2.9 % of the requests fail"]);
    expect(stage.notifications.storyOf("error-share-1").map(({ text }) => text)).toEqual([
      "slack/#ml: firing delivered",
    ]);
  });

  it("tell the end where the beginning went, though the document names no channel any more", async () => {
    await stage.tell([change("firing")], alerts);
    await stage.run(10_000);
    await stage.tell([change("resolved")], {});
    await stage.run(10_000);
    expect(texts(receiver).at(-1)).toBe("[resolved] fraud: 2.9 % of the requests fail");
  });

  it("of one model are not kept waiting by the short faults of others", async () => {
    for (const model of ["a", "b", "c"]) {
      await stage.tell([change("firing", { id: model, model })], alerts);
      await stage.run(60_000);
      await stage.tell([change("resolved", { id: model, model })], alerts);
      await stage.run(60_000);
    }
    const before = receiver.received.length;
    await stage.tell([change("firing", { id: "payments", model: "payments" })], alerts);
    await stage.run(4_000);
    // The end of the third, which nobody needs at once, comes along.
    expect(texts(receiver).slice(before)).toEqual([
      "[page] error-share of 2 models (cause unknown): 1 firing, 1 resolved",
    ]);
  });

  it("are given up after three days, which is said and counted", async () => {
    receiver.reply = { status: 503, headers: { "retry-after": "1200" } };
    await stage.tell([change("firing")], alerts);
    await stage.run(74 * HOUR, HOUR);
    expect(stage.notifications.storyOf("error-share-1")).toMatchObject([
      { text: expect.stringMatching(/given up: not taken within 72 h: answered 503/) },
    ]);
  });

  it("go on after a restart where they were, under the same id", async () => {
    receiver.reply = { status: 500 };
    await stage.tell([change("firing")], alerts);
    await stage.run(5_000);
    stage.restart();
    receiver.reply = { status: 200 };
    await stage.run(60_000);
    await stage.tell([change("firing")], alerts);
    await stage.run(60_000);
    stage.restart();
    await stage.run(60_000);
    const taken = texts(receiver).length;
    expect(taken).toBeGreaterThan(1);
    expect(stage.notifications.storyOf("error-share-1")).toHaveLength(1);
  });

  it("do not follow a redirect, and say so", async () => {
    receiver.reply = { status: 307, headers: { location: "https://elsewhere.example/secret" } };
    await stage.tell([change("firing")], alerts);
    await stage.run(5_000);
    expect(stage.notifications.state().channels[0]).toMatchObject({
      lastError:
        "answered 307, a redirect to elsewhere.example, which is not followed: configure the address that it leads to",
    });
  });

  it("wait as long as Retry-After says", async () => {
    receiver.reply = { status: 429, headers: { "retry-after": "120" } };
    await stage.tell([change("firing")], alerts);
    await stage.run(5_000);
    receiver.reply = { status: 200 };
    await stage.run(100_000, 10_000);
    expect(receiver.received).toHaveLength(1);
    await stage.run(30_000, 10_000);
    expect(receiver.received).toHaveLength(2);
  });

  it("hold what is over the budget for a digest, and never a failure of the service", async () => {
    const bound = { ...alerts, budget: "1 page per 30d" };
    const drift = { kind: "drift", title: "PSI 0.4" } as const;
    await stage.tell([change("firing", { id: "drift-1", draft: drift })], bound);
    await stage.tell([change("firing", { id: "drift-2", draft: drift })], bound);
    await stage.tell([change("firing", { id: "errors" })], bound);
    await stage.run(10_000);
    expect(texts(receiver).sort()).toEqual([
      "[page] fraud: 2.9 % of the requests fail",
      "[page] fraud: PSI 0.4",
    ]);
    expect(stage.notifications.state()).toMatchObject({ waiting: 0, held: 1 });
    await stage.run(25 * HOUR, HOUR);
    expect(texts(receiver)).toContain("[digest, page] fraud: PSI 0.4");
    expect(stage.notifications.storyOf("drift-2")[0]?.text).toContain("slack/#tickets");
  });

  it("are repeated for pages that nobody acknowledged, each four hours", async () => {
    await stage.tell([change("firing")], alerts);
    await stage.run(9 * HOUR, 60_000);
    expect(texts(receiver)).toEqual([
      "[page] fraud: 2.9 % of the requests fail",
      "[still firing] fraud: 2.9 % of the requests fail",
      "[still firing] fraud: 2.9 % of the requests fail",
    ]);
    stage.notifications.noteAction("error-share-1", "acknowledge", null, stage.nowMs());
    await stage.run(9 * HOUR, 60_000);
    expect(receiver.received).toHaveLength(3);
  }, 120_000);

  it("keep quiet while an alert is silenced, and speak when the silence ends", async () => {
    await stage.tell([change("firing")], alerts);
    stage.notifications.noteAction("error-share-1", "silence", stage.nowMs() + HOUR, stage.nowMs());
    await stage.run(HOUR - 60_000, 60_000);
    expect(receiver.received).toEqual([]);
    await stage.run(5 * 60_000, 60_000);
    expect(texts(receiver)).toHaveLength(1);
  });

  it("delay nobody else's when a receiver is slow", async () => {
    await using quick = await startReceiver();
    using both = startNotifications(
      "channels: { slack/slow: { url: env:SLOW }, slack/quick: { url: env:QUICK } }",
      { SLOW: receiver.url, QUICK: quick.url },
    );
    receiver.reply = { status: 200, hangs: true };
    await both.tell([change("firing")], { page: ["slack/slow", "slack/quick"] });
    both.pass(3_000);
    both.notifications.tick();
    await expect.poll(() => quick.received.length).toBe(1);
    both.pass(3_000);
    await both.tell([change("firing", { id: "next", draft: { kind: "latency" } })], {
      page: "slack/quick",
    });
    both.pass(3_000);
    both.notifications.tick();
    await expect.poll(() => quick.received.length).toBe(2);
    expect(receiver.received).toHaveLength(1);
    await both.notifications.idle();
    expect(both.notifications.state().channels).toMatchObject([
      { name: "slack/quick", up: true },
      { name: "slack/slow", lastError: "no answer within 10 s" },
    ]);
  }, 120_000);

  it("go out although nobody can say what stood around the alert", async () => {
    const { notifications } = stage;
    const { documentOf } = await import("./support/notification-stage.ts");
    await notifications.tell([change("firing")], documentOf("fraud", alerts), () =>
      Promise.reject(new Error("database is away")),
    );
    await stage.run(5_000);
    expect(receiver.received[0]?.text).toContain("unknown: the database did not answer");
  });

  it("tests channels by telling each and saying what it answered", async () => {
    const answers = await stage.notifications.test("fraud", {
      ...{ page: ["slack/#ml"], ticket: ["slack/#gone"], info: ["slack/#ml"] },
    });
    expect(answers).toEqual([
      {
        ...{ channel: "slack/#ml", severities: ["page", "info"], delivered: true },
        detail: "answered 200",
      },
      {
        ...{ channel: "slack/#gone", severities: ["ticket"], delivered: false },
        detail: "no such channel is configured",
      },
    ]);
    expect(texts(receiver)[0]).toContain("TEST");
    expect(stage.notifications.state().channels[0]).toMatchObject({ name: "slack/#ml", up: true });
  });

  it("shows that a test failed until the channel takes something", async () => {
    receiver.reply = { status: 404, text: "no_service" };
    await stage.notifications.test("fraud", { page: ["slack/#ml"] });
    const state = () => stage.notifications.state().channels[0];
    expect(state()).toMatchObject({ up: false, lastError: "answered 404: no_service" });
    receiver.reply = { status: 200 };
    await stage.tell([change("firing")], alerts);
    await stage.run(5_000);
    expect(state()).toMatchObject({ up: true, lastError: null });
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ChannelTraits,
  DIGEST_AFTER_MS,
  type PlanInput,
  type Told,
  type Waiting,
  planMessages,
} from "../../../analyzer/notify/plan.ts";

const NOW = 1_000_000_000;
const MINUTE = 60_000;
const SLACK = "slack/#ml";
const PAGER = "pagerduty/risk";
const CHAT: ChannelTraits = { stateful: false, grouped: true, remindMs: 4 * 60 * MINUTE };
const INCIDENTS: ChannelTraits = { stateful: true, grouped: true, remindMs: null };

const waiting = (alertId: string, change: Partial<Waiting> = {}): Waiting => ({
  ...{
    channel: SLACK,
    noticeId: `${alertId}.${change.revision ?? 2}`,
    alertId,
    revision: 2,
    model: alertId,
  },
  ...{ kind: "error-share", cause: "unknown", severity: "page", state: "firing" },
  ...{ held: false, sinceMs: NOW - 5_000 },
  ...change,
});
const told = (alertId: string, change: Partial<Told> = {}): Told => ({
  ...{
    channel: SLACK,
    alertId,
    model: alertId,
    state: "firing",
    severity: "page",
    atMs: NOW - MINUTE,
  },
  ...change,
});
const plan = (change: Partial<PlanInput>): ReturnType<typeof planMessages> =>
  planMessages({
    ...{ nowMs: NOW, waiting: [], told: [] },
    traitsOf: (channel) => (channel === PAGER ? INCIDENTS : channel === SLACK ? CHAT : null),
    isUp: () => true,
    isBusy: () => false,
    sentMs: () => [],
    isSilenced: () => false,
    isAcknowledged: () => false,
    ...change,
  });

describe("what goes out now", () => {
  it("is one alert by itself, once what one evaluation found can be joined", () => {
    const fresh = waiting("a", { sinceMs: NOW - 1_000 });
    expect(plan({ waiting: [fresh] }).messages).toEqual([]);
    expect(plan({ waiting: [waiting("a")] }).messages).toEqual([
      {
        ...{ kind: "alerts", channel: SLACK, group: "page/error-share/unknown" },
        ...{ alertIds: ["a"], noticeIds: ["a.2"] },
      },
    ]);
  });

  it("joins alerts of one kind and cause, and holds none back for another's", () => {
    const many = [waiting("a"), waiting("b"), waiting("c", { kind: "latency" })];
    expect(plan({ waiting: many }).messages.map(({ noticeIds }) => noticeIds)).toEqual([
      ["a.2", "b.2"],
      ["c.2"],
    ]);
  });

  it.each([
    ["a fourth message within the hour", 3, 4 * MINUTE, false],
    ["a fourth message within the hour", 3, 6 * MINUTE, true],
    ["a fifth", 4, 14 * MINUTE, false],
    ["a fifth", 4, 16 * MINUTE, true],
    ["a second", 1, 3_000, true],
  ])(
    "lets %s about a model wait (%i sent, the last %i ms ago): goes out %s",
    (_what, count, ago, goes) => {
      const sent = Array.from({ length: count }, () => NOW - ago);
      const entry = waiting("a", { sinceMs: NOW - 3_000 });
      const before = told("earlier", { model: "a", state: "resolved" });
      const { messages } = plan({ waiting: [entry], told: [before], sentMs: () => sent });
      expect(messages.length).toBe(goes ? 1 : 0);
    },
  );

  it.each([
    ["a page", 7, {}, true],
    ["a page after many", 8, {}, false],
    ["a ticket", 3, { severity: "ticket" }, false],
    ["an end", 3, { state: "resolved" }, false],
  ] as const)(
    "keeps %s about another model than the last %i waiting only where it may: %o goes out %s",
    (_what, count, change, goes) => {
      const sent = Array.from({ length: count }, () => NOW - 3_000);
      const entry = waiting("new", { sinceMs: NOW - 3_000, ...change });
      const before = [told("earlier", { state: "resolved" }), told("new", { model: "", atMs: 0 })];
      const { messages } = plan({ waiting: [entry], told: before, sentMs: () => sent });
      expect(messages.filter(({ kind }) => kind === "alerts").length).toBe(goes ? 1 : 0);
    },
  );

  it("waits for a channel that is down, and for a message of the group that is on its way", () => {
    expect(plan({ waiting: [waiting("a")], isUp: () => false }).messages).toEqual([]);
    expect(plan({ waiting: [waiting("a")], isBusy: () => true }).messages).toEqual([]);
    const both = [waiting("a"), waiting("a", { revision: 3, state: "resolved" })];
    expect(plan({ waiting: both, isUp: () => false })).toEqual({ messages: [], dropped: [] });
  });

  it("tells beginning and end in one when both are new, and opens no incident that is over", () => {
    const both = (channel: string): Waiting[] => [
      waiting("a", { channel }),
      waiting("a", { channel, revision: 3, state: "resolved" }),
    ];
    const chat = plan({ waiting: both(SLACK) });
    expect(chat.messages.map(({ noticeIds }) => noticeIds)).toEqual([["a.3"]]);
    expect(chat.dropped).toMatchObject([{ noticeId: "a.2", reason: "superseded" }]);
    const incidents = plan({ waiting: both(PAGER) });
    expect(incidents.messages).toEqual([]);
    expect(incidents.dropped.map(({ reason }) => reason)).toEqual([
      "over before it was told",
      "over before it was told",
    ]);
  });

  it("says nothing of an end whose beginning nobody heard of", () => {
    const end = waiting("a", { state: "resolved" });
    expect(plan({ waiting: [end] }).dropped).toMatchObject([{ reason: "never told" }]);
    expect(plan({ waiting: [end], told: [told("a")] }).messages).toHaveLength(1);
  });

  it("keeps a silenced alert until the silence ends, and closes what it opened", () => {
    const isSilenced = () => true;
    const quiet = plan({ waiting: [waiting("a")], isSilenced });
    expect(quiet).toEqual({ messages: [], dropped: [] });
    const end = { revision: 3, state: "resolved" } as const;
    const chat = plan({ waiting: [waiting("a", end)], told: [told("a")], isSilenced });
    expect(chat.dropped).toMatchObject([{ reason: "silenced" }]);
    const opened = told("a", { channel: PAGER });
    const incident = plan({
      ...{ waiting: [waiting("a", { ...end, channel: PAGER })], told: [opened], isSilenced },
    });
    expect(incident.messages).toHaveLength(1);
  });

  it("gathers what is over the budget in a digest a day later", () => {
    const held = (alertId: string, ago: number): Waiting =>
      waiting(alertId, { held: true, kind: "drift", sinceMs: NOW - ago });
    const early = [held("a", DIGEST_AFTER_MS - 1), held("b", 0)];
    expect(plan({ waiting: early }).messages).toEqual([]);
    const due = [held("a", DIGEST_AFTER_MS), held("b", 0)];
    expect(plan({ waiting: due }).messages).toMatchObject([
      { kind: "digest", noticeIds: ["a.2", "b.2"] },
    ]);
  });

  it("reminds of pages that nobody saw, in one message, and not of those that somebody did", () => {
    const long = NOW - 5 * 60 * MINUTE;
    const open = ["a", "b"].map((id) => told(id, { atMs: long }));
    const others = [
      told("ticket", { atMs: long, severity: "ticket" }),
      told("over", { atMs: long, state: "resolved" }),
      told("new"),
      told("incident", { atMs: long, channel: PAGER }),
    ];
    const { messages } = plan({ told: [...open, ...others] });
    expect(messages).toMatchObject([{ kind: "reminder", alertIds: ["a", "b"] }]);
    expect(plan({ told: open, isAcknowledged: () => true }).messages).toEqual([]);
  });

  it("drops what goes to a channel that is not configured any more", () => {
    const gone = waiting("a", { channel: "slack/#gone" });
    expect(plan({ waiting: [gone] }).dropped).toMatchObject([{ reason: "no channel" }]);
  });

  it("does not wait for a clock that was set back to come to where it was", () => {
    const hour = 60 * MINUTE;
    const ahead = waiting("a", { sinceMs: NOW + hour });
    const sentMs = () => [NOW + hour, NOW + hour, NOW + hour];
    expect(plan({ waiting: [ahead], sentMs }).messages).toHaveLength(1);
  });

  it("loses nothing: every change is told, superseded, dropped with a reason, or still waits", () => {
    const change = fc.record({
      alertId: fc.constantFrom("a", "b", "c", "d"),
      revision: fc.integer({ min: 2, max: 5 }),
      channel: fc.constantFrom(SLACK, PAGER, "slack/#gone"),
      state: fc.constantFrom("firing" as const, "resolved" as const),
      held: fc.boolean(),
      sinceMs: fc.integer({ min: NOW - 2 * DIGEST_AFTER_MS, max: NOW + MINUTE }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), fc.boolean(), (changes, silenced) => {
        const entries = changes.map((entry, i) =>
          waiting(entry.alertId, { ...entry, noticeId: `${entry.alertId}.${entry.revision}/${i}` }),
        );
        const { messages, dropped } = plan({ waiting: entries, isSilenced: () => silenced });
        const gone = [
          ...messages.flatMap(({ noticeIds }) => noticeIds),
          ...dropped.map((d) => d.noticeId),
        ];
        expect(new Set(gone).size).toBe(gone.length);
        for (const id of gone) expect(entries.some(({ noticeId }) => noticeId === id)).toBe(true);
      }),
    );
  });
});

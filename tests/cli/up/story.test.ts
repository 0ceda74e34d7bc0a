import { describe, expect, it } from "vitest";
import { plain } from "../../../cli/paint.ts";
import { NOTHING_TOLD, type StoryEvent, tell } from "../../../cli/up/story/tell.ts";
import { type Sample, addSample, formatLeft, timeLeftMs } from "../../../cli/up/story/pace.ts";
import { createTerminal, cut } from "../../../cli/up/story/terminal.ts";
import type { AlertMessage, ReplayMessage, RunMessage } from "../../../contract/messages.ts";
import type { Clock } from "../../../runtime/clock.ts";

const MONDAY = Date.UTC(2026, 8, 14);
const HOUR_MS = 3_600_000;

const alert = (over: Partial<AlertMessage>): StoryEvent => ({
  kind: "alert",
  message: {
    id: "a1",
    model: "flights",
    kind: "calibration",
    severity: "ticket",
    state: "firing",
    atMs: MONDAY,
    fromMs: MONDAY - 14 * 24 * HOUR_MS,
    toMs: null,
    firedMs: over.state === "pending" ? null : MONDAY,
    title: "flights: calibration is off by 0.062",
    text: "mean prediction 0.205, late share 0.267, t = 3.1 over 14 days, 96 % labelled",
    ...over,
  },
});

const run = (over: Partial<RunMessage>): StoryEvent => ({
  kind: "run",
  message: {
    model: "flights",
    atMs: MONDAY,
    step: "check",
    runId: null,
    decision: "WAIT",
    version: null,
    title: "WAIT: flights: a refit gains 0.0021",
    text: "less than 0.0065",
    numbers: {},
    ...over,
  },
});

const replay = (over: Partial<ReplayMessage>, atMs: number): StoryEvent => ({
  kind: "replay",
  atMs,
  message: {
    model: "flights",
    phase: "replaying",
    clockMs: MONDAY,
    fromMs: MONDAY - 100 * HOUR_MS,
    toMs: MONDAY + 100 * HOUR_MS,
    predictions: 1_000_000,
    labels: 950_000,
    text: null,
    ...over,
  },
});

/** Everything that is printed for the events, and the line that changes. */
function story(events: readonly StoryEvent[]): { lines: string[]; progress: string | null } {
  const lines: string[] = [];
  let told = NOTHING_TOLD;
  for (const event of events) {
    const next = tell(told, event, plain);
    told = next.told;
    lines.push(...next.lines);
  }
  return { lines, progress: told.progress };
}

describe("the story", () => {
  it("has one line per event that matters, in model time", () => {
    const { lines } = story([
      alert({ state: "pending" }),
      alert({}),
      run({}),
      run({ decision: "RETRAIN", runId: "r7", title: "flights: a refit gains 0.011", text: "" }),
      run({
        step: "promoted",
        decision: null,
        runId: "r7",
        title: "flights: version 2 serves",
        text: "",
      }),
      alert({ state: "resolved", atMs: MONDAY + 7 * 24 * HOUR_MS }),
    ]);
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "Mon 2026-09-14 00:00  ticket      flights: calibration is off by 0.062 – mean prediction 0.205, late share 0.267, t = 3.1 over 14 days, 96 % labelled (why a1)
      Mon 2026-09-14 00:00  WAIT        flights: a refit gains 0.0021 – less than 0.0065
      Mon 2026-09-14 00:00  RETRAIN     flights: a refit gains 0.011
      Mon 2026-09-14 00:00  promoted    flights: version 2 serves
      Mon 2026-09-21 00:00  resolved    flights: calibration is off by 0.062 – lasted 21 d (why a1)"
    `);
  });

  it("does not say of what was pending and did not last that it is over", () => {
    const dropped = alert({ state: "resolved", firedMs: null });
    expect(story([alert({ state: "pending" }), dropped]).lines).toEqual([]);
  });

  it("tells nothing twice, however often it is said", () => {
    expect(story([alert({}), alert({}), run({}), run({})]).lines).toHaveLength(2);
  });

  it("says nothing twice within a line", () => {
    const { lines } = story([
      alert({
        kind: "data-break",
        title: "distance broken in client.version 5.3, 5.7",
        text: "client.version 5.3, 5.7: distance is 1.609 times what it should be",
      }),
      run({
        decision: null,
        step: "promoted",
        title: "flights: version 2 serves all requests",
        text: "Proven by 24 answers of the server.",
      }),
      run({
        decision: null,
        step: "rolled_back",
        title: "flights: rolled back to version 1",
        text: "rolled back to version 1",
      }),
    ]);
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "Mon 2026-09-14 00:00  ticket      flights: distance broken in client.version 5.3, 5.7 – distance is 1.609 times what it should be (why a1)
      Mon 2026-09-14 00:00  promoted    flights: version 2 serves all requests – proven by 24 answers of the server.
      Mon 2026-09-14 00:00  rolled back flights: rolled back to version 1"
    `);
  });

  it("shows how far, how long it will still take, and how fast", () => {
    const { progress, lines } = story([
      replay({}, 0),
      alert({ severity: "page" }),
      replay({ clockMs: MONDAY + 48 * HOUR_MS, predictions: 1_120_000 }, 40_000),
    ]);
    expect(lines).toHaveLength(1);
    expect(progress?.replaceAll("\u202f", " ")).toBe(
      "Wed 2026-09-16 00:00 │ 74 %, about 40 s left │ 1 120 000 predictions, 3 000/s │ 950 000 labels │ 1 alert firing",
    );
  });

  it("guesses a time left that settles, although every midnight waits and every Monday waits long", () => {
    let samples: readonly Sample[] = [];
    let atMs = 0;
    const guesses: number[] = [];
    const weeks = 17;
    for (let hour = 0; hour <= weeks * 168; hour++) {
      atMs += 40 + (hour % 24 === 0 ? 800 : 0) + (hour % 168 === 0 ? 5_000 : 0);
      samples = addSample(samples, { atMs, clockMs: MONDAY + hour * HOUR_MS, predictions: hour });
      const leftMs = timeLeftMs(samples, MONDAY + weeks * 168 * HOUR_MS);
      if (leftMs !== null && hour >= 336) guesses.push(atMs + leftMs);
    }
    // Each guess is of the same end: within 12 s of it, in a story of nearly 5 minutes.
    for (const end of guesses) expect(Math.abs(end - atMs)).toBeLessThan(12_000);
    expect(samples.length).toBeLessThanOrEqual(500);
  });

  it.each([
    [0, "a few seconds left"],
    [44_000, "about 40 s left"],
    [100_000, "about 2 min left"],
    [3 * HOUR_MS + 120_000, "about 3 h 2 min left"],
  ])("rounds %i ms to %s", (leftMs, words) => {
    expect(formatLeft(leftMs)).toBe(words);
  });

  it("says what the replay says once, and leaves no progress behind at the end", () => {
    const { progress, lines } = story([
      replay({ text: "two clients send kilometres from now on" }, 0),
      replay({ text: "two clients send kilometres from now on" }, 50),
      replay({ phase: "finished", text: "the model goes quiet on purpose" }, 100),
    ]);
    expect(lines).toEqual([
      "Mon 2026-09-14 00:00  two clients send kilometres from now on",
      "Mon 2026-09-14 00:00  the model goes quiet on purpose",
    ]);
    expect(progress).toBeNull();
  });
});

describe("the terminal", () => {
  function screen(isTerminal: boolean) {
    let nowMs = 0;
    let text = "";
    const clock: Clock = {
      nowMs: () => nowMs,
      monotonicMs: () => nowMs,
      sleep: () => Promise.resolve(),
      every: () => () => undefined,
    };
    const terminal = createTerminal({
      write: (more) => (text += more),
      isTerminal,
      columns: () => 20,
      clock,
    });
    return { terminal, after: (ms: number) => (nowMs += ms), text: () => text };
  }

  it("changes one line in place and keeps it below those that stay", () => {
    const { terminal, after, text } = screen(true);
    terminal.progress("one");
    terminal.progress("not drawn, too soon");
    after(100);
    terminal.progress("two is longer than the terminal");
    terminal.line("event");
    terminal.progress(null);
    terminal.line("end");
    const clear = "\r\u001b[2K";
    expect(text()).toBe(
      `${clear}one${clear}two is longer than…${clear}event\n${clear}two is longer than…${clear}end\n`,
    );
  });

  it("prints progress as plain lines now and then where nothing can change in place", () => {
    const { terminal, after, text } = screen(false);
    terminal.progress("one");
    terminal.progress("two");
    after(15_000);
    terminal.progress("three");
    terminal.line("event");
    terminal.progress(null);
    expect(text()).toBe("one\nthree\nevent\n");
  });

  it("cuts by what is seen, not by colours", () => {
    expect(cut("\u001b[1mbold\u001b[22m", 4)).toBe("\u001b[1mbold\u001b[22m");
    expect(cut("\u001b[1mlonger\u001b[22m", 4)).toBe("lon…");
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { histogramBars } from "../../console/charts/histogram-bars.ts";
import { armColumns } from "../../console/view-models/canary-columns.ts";
import { rankDrift, sizeOf } from "../../console/view-models/drift-rank.ts";
import { fleetSummary, orderModels } from "../../console/view-models/fleet.ts";
import { shareInterval } from "../../console/view-models/intervals.ts";
import { marksOf } from "../../console/view-models/marks.ts";
import { packRows } from "../../console/view-models/pack-rows.ts";
import { numberName, numberText } from "../../console/view-models/number-names.ts";
import { actionsOf, stepsOf } from "../../console/view-models/run-steps.ts";
import { newestSegments, rangeOf } from "../../console/view-models/segments.ts";
import { immatureSpans, panelData, panelsOf } from "../../console/view-models/time-line.ts";
import { trafficColumns } from "../../console/view-models/traffic.ts";
import { alert, drifting, model, operations, performance, run, window } from "./answers.ts";

describe("the fleet", () => {
  it("puts what is wrong first and what is retired last", () => {
    const models = [
      model({ model: "a" }),
      model({ model: "b", status: "retired", state: "page" }),
      model({ model: "c", state: "ticket" }),
      model({ model: "d", state: "page" }),
    ];
    expect(orderModels(models, "").map(({ model: name }) => name)).toEqual(["d", "c", "a", "b"]);
    expect(orderModels(models, " C ").map(({ model: name }) => name)).toEqual(["c"]);
    expect(fleetSummary(models)).toBe("4 models: 2 with a page, 1 with a ticket, 1 without alerts");
    expect(fleetSummary([model({})])).toBe("1 model: 1 without alerts");
  });
});

describe("the time line", () => {
  it("tells immature windows from mature ones, and joins what touches", () => {
    const panels = panelsOf(
      performance([
        window("2026-08-03", { labelCoverage: 0.99 }),
        window("2026-08-10", { labelCoverage: 0.5 }),
        window("2026-08-17", { labelCoverage: null }),
      ]),
    );
    const [skill] = panels;
    expect(skill?.realised.map(({ mature }) => mature)).toEqual([true, false, false]);
    expect(immatureSpans(skill?.realised ?? [])).toEqual([
      { fromMs: Date.parse("2026-08-10T00:00Z"), toMs: Date.parse("2026-08-24T00:00Z") },
    ]);
    const data = panelData(skill ?? panels[0]!);
    const [, , , , , mature, immature] = data.columns;
    expect(mature).toEqual([0.08, null, null]);
    // The immature stretch begins at its mature neighbour, so that the line does not break.
    expect(immature).toEqual([0.08, 0.08, 0.08]);
  });

  it("estimates skill from log-loss and base rate, over versions by their predictions", () => {
    const estimate = (version: string, predictions: number, logLoss: number) =>
      window("2026-08-03", {
        ...{ version, predictions },
        metrics: {
          log_loss: { value: logLoss, lower: logLoss - 0.01, upper: logLoss + 0.01 },
          positive_share: { value: 0.5, lower: 0.5, upper: 0.5 },
        },
      });
    const [skill, , loss] = panelsOf({
      ...performance([]),
      estimated: [estimate("1", 300, 0.6), estimate("2", 100, 0.2)],
    });
    expect(loss?.estimated).toMatchObject([{ predictions: 400 }]);
    expect(loss?.estimated[0]?.value).toBeCloseTo(0.5, 12);
    expect(skill?.estimated[0]?.value).toBeCloseTo(1 - 0.5 / Math.LN2, 12);
    expect(skill?.estimated[0]?.lower).toBeCloseTo(1 - 0.51 / Math.LN2, 12);
    expect(skill?.estimated[0]?.upper).toBeCloseTo(1 - 0.49 / Math.LN2, 12);
  });

  it("marks alerts that fired, runs by their end, and what was changed elsewhere", () => {
    const marks = marksOf(
      {
        alerts: [alert({}), alert({ id: "never", fired: null })],
        runs: [run({ status: "promoted", version: "2", endedAt: "2026-08-18T00:00:00.000Z" })],
        versions: [],
        changes: [
          {
            ...{ id: "c", model: "", time: "2026-08-12T00:00:00.000Z", kind: "deploy" },
            ...{ title: "client 5.4", url: "", by: "ann" },
          },
        ],
      },
      { fromMs: Date.parse("2026-08-01T00:00Z"), toMs: Date.parse("2026-09-01T00:00Z") },
    );
    expect(marks.map(({ lane, tone, label, title }) => [lane, tone, label, title])).toEqual([
      ["Changes", "plain", "client 5.4", "deploy: client 5.4 (ann)"],
      ["Alerts", "page", "error-share", "page, firing: 3 % of the requests fail"],
      ["Runs", "good", "v2", "Run promoted: version 2"],
    ]);
    // What fires still lasts to the end of what is shown.
    expect(marks[1]?.toMs).toBe(Date.parse("2026-09-01T00:00Z"));
  });
});

describe("lanes", () => {
  it("lay no mark on another, in as few rows as that takes", () => {
    const at = fc.record({ left: fc.nat(500), width: fc.integer({ min: 24, max: 300 }) });
    fc.assert(
      fc.property(fc.array(at, { maxLength: 20 }), (given) => {
        const extents = given
          .map(({ left, width }) => ({ left, right: left + width }))
          .sort((a, b) => a.left - b.left);
        const rows = packRows(extents);
        extents.forEach((a, i) => {
          for (const [j, b] of extents.entries()) {
            if (j <= i || rows[i] !== rows[j]) continue;
            expect(b.left >= a.right || a.left >= b.right).toBe(true);
          }
        });
      }),
    );
    expect(
      packRows([
        { left: 0, right: 24 },
        { left: 10, right: 34 },
        { left: 30, right: 54 },
      ]),
    ).toEqual([0, 1, 0]);
  });
});

describe("drift", () => {
  it("ranks by verdict, then drifted segments, then size against the floor", () => {
    const drift = drifting([
      { feature: "small", effect: 0.01 },
      { feature: "large", effect: 0.09 },
      { feature: "drifted", effect: 0.2, verdict: "drift" },
      { feature: "within", effect: 0.0 },
      { feature: "within", effect: 0.4, verdict: "drift", segment: { tag: "app", value: "a1" } },
    ]);
    const ranked = rankDrift(drift);
    expect(ranked.map(({ whole }) => whole.feature)).toEqual([
      "drifted",
      "within",
      "large",
      "small",
    ]);
    expect(ranked[1]?.segments).toHaveLength(1);
    expect(sizeOf(drift.features[1]!)).toBeCloseTo(0.9, 12);
  });

  it("draws bars that fill the width, with areas that are shares", () => {
    const count = fc.integer({ min: 0, max: 1_000 });
    const bins = fc.array(
      fc.record({ width: fc.double({ min: 0.1, max: 50, noNaN: true }), count }),
      {
        minLength: 1,
        maxLength: 24,
      },
    );
    fc.assert(
      fc.property(bins, (given) => {
        let at = 0;
        const cells = given.map(({ width }) => ({ label: "", from: at, to: (at += width) }));
        const counts = given.map(({ count: rows }) => rows);
        const bars = histogramBars({ kind: "numeric", cells, reference: counts, current: counts });
        expect(bars[0]?.from).toBe(0);
        expect(bars.at(-1)?.to).toBeCloseTo(1, 9);
        const area = bars.reduce((sum, bar) => sum + bar.referenceHeight * (bar.to - bar.from), 0);
        expect(area).toBeCloseTo(counts.some((rows) => rows > 0) ? 1 : 0, 9);
      }),
    );
  });
});

describe("intervals of shares", () => {
  it("are Wilson's", () => {
    // Newcombe 1998, table I: 81 of 263.
    const interval = shareInterval(81, 263);
    expect(interval?.lower).toBeCloseTo(0.2553, 4);
    expect(interval?.upper).toBeCloseTo(0.3662, 4);
    expect(shareInterval(0, 0)).toBeNull();
  });

  it("hold the share, within [0, 1]", () => {
    const counts = fc
      .integer({ min: 1, max: 1_000_000 })
      .chain((whole) =>
        fc.record({ whole: fc.constant(whole), part: fc.integer({ min: 0, max: whole }) }),
      );
    fc.assert(
      fc.property(counts, ({ part, whole }) => {
        const { value, lower, upper } = shareInterval(part, whole) ?? {
          value: -1,
          lower: 0,
          upper: 0,
        };
        expect(lower).toBeGreaterThanOrEqual(0);
        expect(upper).toBeLessThanOrEqual(1);
        expect(lower).toBeLessThanOrEqual(value);
        expect(upper).toBeGreaterThanOrEqual(value);
      }),
    );
  });
});

describe("segments", () => {
  it("are those of the newest window, the least skill first", () => {
    const of = (day: string, value: string, skill: number) =>
      window(day, {
        segment: { tag: "app", value },
        metrics: { skill: { value: skill, lower: skill - 0.1, upper: skill + 0.1 } },
      });
    const rows = newestSegments([
      of("2026-08-03", "a1", -1),
      of("2026-08-10", "a1", 0.2),
      of("2026-08-10", "a2", 0.1),
    ]);
    expect(rows.map(({ name }) => name)).toEqual(["app a2", "app a1"]);
  });

  it("share a scale that holds every interval and zero", () => {
    const [low, high] = rangeOf([0.1, 0.3, null]);
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0.3);
  });
});

describe("the service", () => {
  it("has every bucket of its span, with and without requests", () => {
    const columns = trafficColumns(operations());
    expect(columns.times).toHaveLength(4);
    const [first, second] = columns.versions;
    expect(first).toMatchObject({ version: "1", perSecond: [1, 0, 0, 0.5] });
    expect(first?.errorShare).toEqual([0.05, null, null, 0]);
    expect(second?.latencySeconds).toEqual([null, 0.002, null, null]);
  });

  it("shows both arms of a canary over the same hours", () => {
    const hour = (at: string, requests: number, errors: number) => ({
      ...{ hour: at, requests, errors, missing: 0, labelled: 0 },
      ...{ latencySeconds: null, loss: null },
    });
    const arms = {
      champion: [hour("2026-10-05T00:00:00.000Z", 10, 1), hour("2026-10-05T02:00:00.000Z", 10, 0)],
      challenger: [hour("2026-10-05T01:00:00.000Z", 4, 2)],
    };
    expect(armColumns(arms, "errorShare")).toMatchObject({
      champion: [0.1, null, 0],
      challenger: [null, 0.5, null],
    });
  });
});

describe("a run", () => {
  const events = [
    { at: "2026-08-17T00:00:00.000Z", kind: "dataset_built" },
    { at: "2026-08-17T00:00:00.000Z", kind: "training_started" },
    { at: "2026-08-17T00:00:00.000Z", kind: "trained" },
  ];
  const states = (given: Parameters<typeof run>[0]): string[] =>
    stepsOf(run(given)).map(({ name, state }) => `${name} ${state}`);

  it("stands at a step, with those done before and ahead", () => {
    expect(states({ status: "judging", events }).slice(2, 6)).toEqual([
      "Training done",
      "Judging now",
      "Registered ahead",
      "Staged ahead",
    ]);
  });

  it("ends where it was rejected", () => {
    const ended = { status: "rejected", events, endedAt: "2026-08-17T00:00:00.000Z" } as const;
    expect(states(ended).slice(-2)).toEqual(["Judging done", "rejected ended"]);
  });

  it.each([
    ["approval", null, "1", ["approve", "reject"]],
    ["training", null, "1", ["cancel"]],
    ["canary", null, "1", ["cancel"]],
    ["undoing", null, "1", []],
    ["promoted", "2026-08-18T00:00:00.000Z", "2", ["rollback"]],
    ["promoted", "2026-08-18T00:00:00.000Z", "3", []],
    ["failed", "2026-08-18T00:00:00.000Z", "1", []],
  ] as const)("%s, ended %s, champion %s: %s", (status, endedAt, champion, actions) => {
    expect(actionsOf(run({ status, endedAt, version: "2" }), champion)).toEqual(actions);
  });
});

describe("numbers that come with verdicts", () => {
  it("are named and written by what they are", () => {
    expect(numberName("labelCoverage")).toBe("Label coverage");
    expect(numberText("labelCoverage", 0.99).replaceAll("\u202f", " ")).toBe("99.0 %");
    expect([numberName("silentMs"), numberText("silentMs", 1_200_000)]).toEqual([
      "Silent for",
      "20 min",
    ]);
    expect(numberText("pValue", 1e-9).replaceAll("\u202f", " ")).toBe("< 0.0001");
    expect(numberText("quarantine", "q-1")).toBe("q-1");
    expect(numberText("gain", 0.01460292)).toBe("0.0146");
  });
});

/**
 * Every statement of the dashboards and alert rules, run as Grafana's reader against two weeks of flights: none
 * may fail, none may be empty that has something to show, and the planted hour of errors must be seen.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Frame, askReader, column, moments, numbers } from "./support/ask-reader.ts";
import { type Asked, choicesOf, dashboardCalled, statementsOf } from "./support/asked.ts";
import { expandMacros } from "./support/expand-macros.ts";
import type { Choices } from "./support/expand-variables.ts";
import { type FlightsStage, startFlightsStage } from "./support/flights-stage.ts";
import { committedAlerting } from "./support/statements.ts";
import { WALL_MS } from "./support/stored-books.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

let stage: FlightsStage;
beforeAll(async () => {
  stage = await startFlightsStage();
}, 400_000);
afterAll(() => stage[Symbol.asyncDispose]());

const one = (value: string) => ({ kind: "one", value }) as const;

/** A dashboard as it looks when opened, apart from what is `wanted`. */
async function open(uid: string, wanted: Choices = {}, range?: { fromMs: number; toMs: number }) {
  const dashboard = dashboardCalled(uid);
  const wall = { fromMs: WALL_MS - HOUR_MS, toMs: WALL_MS + 2 * HOUR_MS };
  const within = range ?? (uid === "driftmend-pipeline" ? wall : stage);
  const lists: (readonly [Asked, Frame])[] = [];
  const see = (asked: Asked, frame: Frame): number => lists.push([asked, frame]);
  const choices = await choicesOf(dashboard, within, stage.reader, wanted, see);
  const statements = statementsOf(dashboard, within, choices);
  return {
    /** Runs everything; answers what came back empty, and what Grafana could not show. */
    all: async () => {
      const frames = [...lists];
      for (const asked of statements)
        frames.push([asked, await askReader(stage.reader, asked.sql)]);
      return {
        empty: frames.flatMap(([{ what, name }, frame]) =>
          frame.rows.length === 0 ? [`${what} ${name}`] : [],
        ),
        misshapen: frames.flatMap(([asked, frame]) =>
          problemOf(asked, frame).map((problem) => `${asked.name}: ${problem}`),
        ),
      };
    },
    panel: (title: string, letter = "A"): Promise<Frame> => {
      const found = statements.find(({ name }) => name === `${title} (${letter})`);
      if (found === undefined) throw new Error(`There is no panel "${title}"`);
      return askReader(stage.reader, found.sql);
    },
  };
}

/** What would keep Grafana from showing a frame: no time, times out of order, one label twice at a time. */
function problemOf({ format }: Asked, frame: Frame): string[] {
  if (format !== 0 || frame.rows.length === 0) return [];
  const time = frame.types.findIndex((type) => type.startsWith("DateTime"));
  if (time < 0) return ["has no column of times"];
  const labels = frame.types.flatMap((type, i) => (type.includes("String") ? [i] : []));
  const numeric = frame.types.filter((type) => /Int|Float/.test(type));
  const times = frame.rows.map((row) => String(row[time]));
  const keys = frame.rows.map((row) => [row[time], ...labels.map((i) => row[i])].join("\u0000"));
  return [
    ...(numeric.length === 0 ? ["has no number"] : []),
    ...(times.some((text, i) => text < (times[i - 1] ?? "")) ? ["does not ascend in time"] : []),
    ...(new Set(keys).size < keys.length ? ["has a curve twice at one time"] : []),
  ];
}

describe("the fleet", () => {
  it("shows the model with its traffic, quality, alerts and roll-out", async () => {
    const fleet = await open("driftmend-fleet");
    expect(await fleet.all()).toEqual({ empty: [], misshapen: [] });
    const models = await fleet.panel("Models");
    expect(column(models, "model")).toEqual(["flights"]);
    expect(column(models, "version")).toEqual(["2"]);
    expect(numbers(models, "log-loss")[0]).toBeGreaterThan(0.3);
    expect(numbers(models, "features")).toEqual([5]);
    expect(numbers(await fleet.panel("Promotions"), "promotions")).toEqual([1]);
  });

  it("counts the requests that are stored, whatever the grain", async () => {
    const counts: number[] = [];
    for (const grain of ["1m", "1h", "1d"]) {
      const fleet = await open("driftmend-fleet", { grain: one(grain) });
      counts.push(...numbers(await fleet.panel("Requests"), "requests"));
    }
    const stored = await askReader(
      stage.reader,
      "SELECT count() AS n FROM predictions WHERE model = 'flights'",
    );
    expect(counts).toEqual(Array.from({ length: 3 }, () => numbers(stored, "n")[0]));
  });
});

describe("errors and service of a model", () => {
  it("shows the planted 3 % in their hour and nothing elsewhere", async () => {
    const service = await open("driftmend-service");
    // Tickets of these weeks are about inputs, and none of the service.
    expect(await service.all()).toEqual({ empty: ["annotation Tickets"], misshapen: [] });
    const frame = await service.panel("Failed requests");
    const failed = moments(frame, "t").map(
      (ms, i) => [ms, numbers(frame, "failed")[i] ?? 0] as const,
    );
    const hours = failed.filter(([, share]) => share > 0);
    expect(hours.map(([ms]) => ms)).toEqual([stage.errorsFromMs]);
    expect(Math.abs((hours[0]?.[1] ?? 0) - 0.03)).toBeLessThan(0.002);
    expect(
      new Set(column(await service.panel("Failed requests by type of error"), "error")),
    ).toEqual(new Set(["internal"]));
    expect(numbers(await service.panel("Failed requests", "B"), "promised")).toEqual([0.01, 0.01]);
  });

  it("puts the canary beside the champion, by the counts of each", async () => {
    const range = { fromMs: stage.canaryMs, toMs: stage.promotedMs - 1 };
    const service = await open("driftmend-service", {}, range);
    const versions = await service.panel("Versions side by side");
    const share = new Map(
      column(versions, "version").map((version, i) => [
        version,
        numbers(versions, "share")[i] ?? 0,
      ]),
    );
    expect(share.get("2")).toBeCloseTo(0.1, 2);
    expect(share.get("1")).toBeCloseTo(0.9, 2);
    expect(new Set(column(await service.panel("Requests by version"), "version"))).toEqual(
      new Set(["version 1", "version 2"]),
    );
  });

  it("finds the latencies' quantiles to the width of a cell", async () => {
    const frame = await (await open("driftmend-service")).panel("Versions side by side");
    const raw = await askReader(
      stage.reader,
      `SELECT quantilesExact(0.5, 0.95, 0.99)(latency) AS q FROM predictions
       WHERE model = 'flights' AND version = '1' AND error = ''`,
    );
    const [exact] = column(raw, "q") as [number[]];
    const row = column(frame, "version").indexOf("1");
    for (const [i, name] of ["p50", "p95", "p99"].entries()) {
      const ratio = (numbers(frame, name)[row] ?? 0) / (exact[i] ?? 1);
      expect(Math.abs(ratio - 1)).toBeLessThan(1 / 16);
    }
  });

  it("narrows to a segment and a version", async () => {
    const wanted = {
      segment: one("client.version = 5.1"),
      version: { kind: "several", values: ["2"] },
    } as const;
    const service = await open("driftmend-service", wanted);
    const stored = await askReader(
      stage.reader,
      `SELECT count() AS n FROM predictions
       WHERE model = 'flights' AND version = '2' AND tags['client.version'] = '5.1'`,
    );
    expect(numbers(await service.panel("Requests in all"), "requests")).toEqual(
      numbers(stored, "n"),
    );
  });
});

describe("drift and quality of a model", () => {
  /** What a numeric feature does not have. */
  const OF_CATEGORIES = ["panel $feature: categories (A)"];

  it("shows figures, verdicts and the distribution of a numeric feature", async () => {
    const drift = await open("driftmend-drift", { feature: one("distance") });
    expect(await drift.all()).toEqual({ empty: OF_CATEGORIES, misshapen: [] });
    for (const title of ["$feature: distribution", "Scores"]) {
      const frame = await drift.panel(title);
      for (const curve of ["reference", "current"]) {
        expect(numbers(frame, curve).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
      }
    }
    const figures = await drift.panel("$metric");
    for (const [i, realised] of numbers(figures, "realised").entries()) {
      expect(numbers(figures, "lower")[i]).toBeLessThan(realised);
      expect(numbers(figures, "upper")[i]).toBeGreaterThan(realised);
    }
  });

  it("shows the shares of a categorical feature's categories", async () => {
    const drift = await open("driftmend-drift", { feature: one("origin") });
    for (const title of ["$feature: distribution", "$feature: mean"]) {
      expect((await drift.panel(title)).rows).toEqual([]);
    }
    const frame = await drift.panel("$feature: categories");
    const exact = await askReader(
      stage.reader,
      `SELECT cat['origin'] AS name, count() / sum(count()) OVER () AS share FROM predictions
       WHERE model = 'flights' AND error = '' GROUP BY name ORDER BY share DESC LIMIT 1`,
    );
    const at = column(frame, "category").indexOf(column(exact, "name")[0]);
    expect(numbers(frame, "current")[at]).toBeCloseTo(numbers(exact, "share")[0] ?? 0, 6);
  });

  it("moves the mean of a broken segment and not its reference", async () => {
    const wanted = { feature: one("distance"), segment: one("client.version = 5.3") };
    const drift = await open("driftmend-drift", wanted);
    const means = numbers(await drift.panel("$feature: mean"), "mean");
    const mean = (values: readonly number[]): number =>
      values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(means.slice(7)) / mean(means.slice(0, 7))).toBeCloseTo(1.609, 1);
    expect((await drift.panel("Quarantine")).rows).toHaveLength(1);
  });

  it("shows windows of every length that is offered", async () => {
    for (const days of ["1", "7", "14"]) {
      const drift = await open("driftmend-drift", { window: one(days) });
      expect([days, (await drift.panel("$metric")).rows.length > 0]).toEqual([days, true]);
    }
  });
});

describe("pipeline health", () => {
  it("shows what the collector's books hold", async () => {
    const pipeline = await open("driftmend-pipeline");
    expect(await pipeline.all()).toEqual({ empty: [], misshapen: [] });
    expect(numbers(await pipeline.panel("Stored predictions"), "predictions")).toEqual([60_000]);
    expect(numbers(await pipeline.panel("From accepted to stored (p95)"), "p95")).toEqual([0.25]);
    expect(numbers(await pipeline.panel("Dead letters"), "records")).toEqual([3]);
  });
});

describe("names with quotes", () => {
  it("are values and never statements", async () => {
    const hostile = one("x' OR 1 = 1 --");
    for (const uid of ["driftmend-service", "driftmend-drift"]) {
      const wanted = { model: hostile, segment: hostile, feature: hostile, metric: hostile };
      const opened = await open(uid, wanted);
      expect((await opened.all()).misshapen).toEqual([]);
    }
    const service = await open("driftmend-service", { model: hostile });
    expect(numbers(await service.panel("Requests in all"), "requests")).toEqual([0]);
  });
});

describe("alert rules", () => {
  it("ask what can be answered: labels, and one number to compare", async () => {
    const rules = committedAlerting().groups.flatMap((group) => group.rules);
    for (const { uid, data } of rules) {
      for (const { model, relativeTimeRange } of data) {
        if (model.rawSql === undefined) continue;
        const range = {
          fromMs: WALL_MS + HOUR_MS - relativeTimeRange.from * 1000,
          toMs: WALL_MS + HOUR_MS - relativeTimeRange.to * 1000,
        };
        const frame = await askReader(
          stage.reader,
          expandMacros(model.rawSql, { ...range, intervalMs: 60_000 }),
        );
        const numeric = frame.types.filter((type) => /^(?:U?Int|Float)/.test(type));
        const others = frame.types.filter(
          (type) => !/^(?:U?Int|Float|(?:LowCardinality\()?String)/.test(type),
        );
        expect([uid, numeric.length, others]).toEqual([uid, 1, []]);
      }
    }
  });

  it("pass on what fires, until it is silenced", async () => {
    const row = {
      ...{
        id: "page-1",
        model: "flights",
        kind: "error-share",
        cause: "unknown",
        severity: "page",
      },
      ...{ state: "firing", from: stage.toMs - DAY_MS, to: null, at: stage.toMs - DAY_MS },
      ...{ title: "t", text: "t", acknowledged: null, detail: "{}" },
    };
    const rule = committedAlerting()
      .groups.flatMap((group) => group.rules)
      .find(({ uid }) => uid === "driftmend-page");
    const sql = expandMacros(rule?.data[0]?.model.rawSql ?? "", {
      fromMs: 0,
      toMs: 1,
      intervalMs: 1,
    });
    const firing = async (): Promise<unknown[]> =>
      column(await askReader(stage.reader, sql), "alert");
    await stage.store.insert("alerts", [{ ...row, silenced_until: null, revision: 1 }]);
    expect(await firing()).toEqual(["page-1"]);
    const later = Date.now() + DAY_MS;
    await stage.store.insert("alerts", [{ ...row, silenced_until: later, revision: 2 }]);
    expect(await firing()).toEqual([]);
    await stage.store.insert("alerts", [
      { ...row, state: "resolved", silenced_until: null, revision: 3 },
    ]);
    expect(await firing()).toEqual([]);
  });
});

import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { mergeCells } from "../../../../examples/flights/model/cells.ts";
import { qualityOf } from "../../../../examples/flights/model/quality.ts";
import { columnScorer } from "../../../../examples/flights/model/tables.ts";
import { auc, entropy, logLoss } from "../../../../stats/index.ts";
import { fitted } from "../fitted.ts";

const Numbers = z.array(z.number());
const Reference = z.object({
  airports: z.array(z.string()),
  tuples: z.object({
    hour: Numbers,
    dayOfWeek: Numbers,
    distance: Numbers,
    origin: Numbers,
    destination: Numbers,
    weight: Numbers,
    positive: Numbers,
  }),
  objective: z.number(),
  probabilities: Numbers,
});
const url = new URL("../../../reference/flights-fit.json", import.meta.url);
const reference = Reference.parse(JSON.parse(readFileSync(url, "utf8")));
const tuples = { count: reference.tuples.hour.length, ...reference.tuples };

describe("fitLogistic()", () => {
  const cells = mergeCells(tuples, reference.airports, reference.airports);
  const { tables, progress } = fitted(cells);

  it("finds scipy's optimum of the same objective", () => {
    expect(progress.at(-1)?.objective).toBeCloseTo(reference.objective, 7);
    const score = columnScorer(tables, reference.airports);
    const t = tuples;
    reference.probabilities.forEach((probability, i) => {
      const scored = score(
        t.hour[i] ?? 0,
        t.dayOfWeek[i] ?? 0,
        t.distance[i] ?? 0,
        t.origin[i] ?? 0,
        t.destination[i] ?? 0,
      );
      expect(scored).toBeCloseTo(probability, 7);
    });
  });

  it("falls at every step and ends where no derivative is left", () => {
    for (let i = 1; i < progress.length; i++) {
      expect(progress[i]?.objective).toBeLessThan(progress[i - 1]?.objective ?? 0);
    }
    expect(progress.at(-1)?.gradientMax).toBeLessThanOrEqual(1e-8);
  });

  it("does not care in which order rows come, to the last bit", () => {
    const order = fc.sample(
      fc.shuffledSubarray([...tuples.hour.keys()], { minLength: tuples.count }),
      { numRuns: 1, seed: 7 },
    )[0];
    const shuffle = (column: readonly number[]): number[] =>
      (order ?? []).map((i) => column[i] ?? 0);
    const shuffled = {
      count: tuples.count,
      hour: shuffle(tuples.hour),
      dayOfWeek: shuffle(tuples.dayOfWeek),
      distance: shuffle(tuples.distance),
      origin: shuffle(tuples.origin),
      destination: shuffle(tuples.destination),
      weight: shuffle(tuples.weight),
      positive: shuffle(tuples.positive),
    };
    const again = fitted(mergeCells(shuffled, reference.airports, reference.airports));
    expect(again.tables).toEqual(tables);
  });
});

it("qualityOf() gives log-loss, skill and AUC of weighted tuples as if each row were there", () => {
  const cells = mergeCells(tuples, reference.airports, reference.airports);
  const { tables } = fitted(cells);
  const rows = tuples.weight.flatMap((weight, i) =>
    Array.from({ length: weight }, (_, k) => ({ i, late: k < (tuples.positive[i] ?? 0) ? 1 : 0 })),
  );
  const scores = rows.map(({ i }) => reference.probabilities[i] ?? 0);
  const late = rows.map((row) => row.late);
  const quality = qualityOf(tables, tuples, reference.airports);
  expect(quality.weight).toBe(rows.length);
  expect(quality.logLoss).toBeCloseTo(logLoss(scores, late), 7);
  expect(quality.auc).toBeCloseTo(auc(scores, late), 3);
  const baseRate = late.reduce((sum, one) => sum + one, 0) / late.length;
  expect(quality.skill).toBeCloseTo(1 - quality.logLoss / entropy(baseRate), 12);
});

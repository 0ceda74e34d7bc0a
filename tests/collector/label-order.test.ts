/**
 * Labels come late, before their predictions, corrected and twice, in any order and cut into frames anyhow: the
 * outcomes must be those of a plain model that knows no order.
 */
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import type { LabelRow, PredictionRow } from "../../contract/payload-blocks.ts";
import { count, timeMs } from "../../store/column-schemas.ts";
import { defineQuery } from "../../store/define-query.ts";
import { type Harness, startHarness, until } from "./harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
  await harness.collect();
}, 60_000);
afterAll(() => harness[Symbol.asyncDispose]());

const DAY_MS = 86_400_000;
const now = Math.floor(Date.now() / 1000) * 1000 - DAY_MS;

const outcomesOf = defineQuery({
  name: "outcomes of a model",
  params: z.object({ model: z.string() }),
  row: z.object({
    id: z.string(),
    ts: timeMs,
    label: z.string(),
    revision: count,
    source: z.string(),
    known: timeMs,
  }),
  sql: `SELECT id, ts, toString(actual_label) AS label, revision, toString(source) AS source, known
FROM outcomes FINAL WHERE model = {model:String} ORDER BY id`,
});

type Event =
  | { readonly kind: "prediction"; readonly row: PredictionRow }
  | { readonly kind: "label"; readonly row: LabelRow };

/** What somebody says of one prediction: up to 30 days after it or an hour before, with its time or without. */
const Said = fc.record({
  revision: fc.integer({ min: 0, max: 2 }),
  after: fc.integer({ min: -1, max: 30 * 24 }),
  source: fc.constantFrom("chargebacks", "review", "absence"),
  predictedAt: fc.constantFrom("exact", "about", "unsaid"),
  twice: fc.boolean(),
});

const Story = fc.record({
  labels: fc.array(fc.array(Said, { maxLength: 4 }), { minLength: 6, maxLength: 20 }),
  frames: fc.integer({ min: 2, max: 5 }),
  order: fc.infiniteStream(fc.nat()),
});

function eventsOf(model: string, labels: readonly (readonly Said[])[]): Event[] {
  return labels.flatMap((all, i) => {
    const id = `p${String(i).padStart(2, "0")}`;
    const ts = now - 31 * DAY_MS + i * 1000;
    const prediction: Event = { kind: "prediction", row: { model, id, ts, score: 0.5 } };
    return [prediction, ...all.flatMap((said) => labelEvents(model, id, ts, said))];
  });
}
type Said = typeof Said extends fc.Arbitrary<infer Value> ? Value : never;

function labelEvents(model: string, id: string, ts: number, said: Said): Event[] {
  const { revision, after, source, predictedAt, twice } = said;
  // Two that differ in nothing by which labels are ranked are the same label.
  const label = source === "absence" ? "not fraud" : `${source} ${revision} ${after}`;
  const time = ts + after * 3_600_000 + (source === "review" ? 1 : 0);
  const prediction_time = { exact: ts, about: ts + 700, unsaid: undefined }[predictedAt];
  const row = { model, id, label, time, source, revision };
  const event: Event = {
    kind: "label",
    row: prediction_time === undefined ? row : { ...row, prediction_time },
  };
  return twice ? [event, event] : [event];
}

/** The plain model: the highest revision, then any source before absence, then what became known last. */
function expectedOf(events: readonly Event[]) {
  const rank = ({ revision = 0, source, time }: LabelRow): readonly number[] => [
    revision,
    source === "absence" ? 0 : 1,
    time,
  ];
  const isHigher = (a: LabelRow, b: LabelRow): boolean => {
    const i = rank(a).findIndex((part, at) => part !== rank(b)[at]);
    return i >= 0 && (rank(a)[i] ?? 0) > (rank(b)[i] ?? 0);
  };
  const labels = events.flatMap((event) => (event.kind === "label" ? [event.row] : []));
  return events
    .flatMap((event) => (event.kind === "prediction" ? [event.row] : []))
    .flatMap(({ id, ts }) => {
      const own = labels.filter((label) => label.id === id);
      const [first, ...others] = own;
      if (first === undefined) return [];
      const held = others.reduce((best, other) => (isHigher(other, best) ? other : best), first);
      const { label, revision, source, time: known } = held;
      return [{ id, ts, label, revision, source, known }];
    })
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

it("the outcome is that of the label which holds, whatever came first, late, corrected or twice", async () => {
  let story = 0;
  const spool = harness.spool();
  await fc.assert(
    fc.asyncProperty(Story, async ({ labels, frames, order }) => {
      const model = `story ${story++}`;
      const events = eventsOf(model, labels);
      const shuffled = events
        .map((event) => ({ event, at: order.next().value }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ event }) => event);
      const size = Math.ceil(shuffled.length / frames);
      for (let from = 0; from < shuffled.length; from += size) {
        const part = shuffled.slice(from, from + size);
        const seq = await spool.send({
          predictions: part.flatMap((one) => (one.kind === "prediction" ? [one.row] : [])),
          labels: part.flatMap((one) => (one.kind === "label" ? [one.row] : [])),
        });
        // Some frames share a group, others come after it.
        if (order.next().value % 2 === 0) await until(() => spool.storedThrough >= seq, "stored");
      }
      await until(() => spool.storedThrough >= spool.frames.length, "all is stored");
      expect(await harness.store.query(outcomesOf, { model })).toEqual(expectedOf(events));
    }),
    { numRuns: 5, seed: 5_101 },
  );
}, 120_000);

it("of two sources that disagree at one revision and moment the same one holds, whoever was first", async () => {
  const model = "disagree";
  const spool = harness.spool();
  const label = (id: string, text: string) => ({
    model,
    id,
    label: text,
    time: now,
    source: text,
    revision: 3,
  });
  await spool.send({
    predictions: ["a", "b"].map((id) => ({ model, id, ts: now - 1000, score: 0.5 })),
  });
  for (const labels of [
    [label("a", "fraud"), label("b", "legit")],
    [label("a", "legit"), label("b", "fraud")],
  ]) {
    const seq = await spool.send({ labels });
    await until(() => spool.storedThrough >= seq, "the labels are stored");
  }
  const [a, b] = await harness.store.query(outcomesOf, { model });
  expect(a?.label).toBe(b?.label);
});

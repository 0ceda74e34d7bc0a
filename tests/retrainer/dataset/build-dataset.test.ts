import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { DatasetDescription } from "../../../contract/trainer.ts";
import {
  type BuiltDataset,
  type DatasetRequest,
  buildDataset,
} from "../../../retrainer/dataset/build-dataset.ts";
import { type Journal, openJournal } from "../../../retrainer/journal/journal.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { defineCommand } from "../../../store/define-query.ts";
import { type Places, preparePlaces, tripsDocument } from "../support/loop-bench.ts";
import { BEGIN_MS, DAY_MS, type SmallWorld, openSmallWorld } from "../support/small-world.ts";

let world: SmallWorld;
let places: Places;
let journal: Journal;
let folder: string;

beforeAll(async () => {
  world = await openSmallWorld();
  await world.serve(0, 24);
  places = await preparePlaces(world.store);
  folder = await mkdtemp(join(tmpdir(), "driftmend-dataset-"));
  journal = openJournal(join(folder, "journal.sqlite"), { clock: systemClock });
}, 60_000);
afterAll(async () => {
  journal.close();
  await world.close();
  await rm(folder, { recursive: true, force: true });
  await rm(places.folder, { recursive: true, force: true });
});

async function build(change: Partial<DatasetRequest>): Promise<BuiltDataset> {
  const request: DatasetRequest = {
    document: tripsDocument(places, "http://127.0.0.1:1"),
    columns: {
      features: [
        { name: "hour", kind: "numeric" },
        { name: "city", kind: "categorical" },
      ],
      tags: ["app"],
      target: "label",
    },
    choice: "all",
    toMs: BEGIN_MS + 14 * DAY_MS,
    knownMs: BEGIN_MS + 21 * DAY_MS,
    quarantine: [],
    folder,
    ...change,
  };
  return buildDataset(request, { store: world.store, effects: journal.effects });
}
const describeOf = async ({ ref }: BuiltDataset): Promise<DatasetDescription> =>
  DatasetDescription.parse(
    JSON.parse(await readFile(join(ref.folder, "dataset.json"), "utf8")) as unknown,
  );

describe("a data set", { timeout: 60_000 }, () => {
  test("holds the reference and a part per week, each with the digest of its bytes", async () => {
    const built = await build({});
    const description = await describeOf(built);
    expect(description.train.map(({ source, rows }) => [source, rows])).toEqual([
      ["reference", 14 * 600],
      ["recorded", 7 * 600],
      ["recorded", 7 * 600],
    ]);
    expect(built.ref.rows).toBe(28 * 600);
    for (const file of description.train) {
      const bytes = await readFile(join(built.ref.folder, file.path));
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(file.sha256);
    }
  });

  test("is the same folder when nothing changed, and a week later exports that week alone", async () => {
    const first = await build({});
    const again = await build({});
    expect(again).toEqual({ ref: first.ref, exportedParts: 0 });
    const next = await build({
      toMs: BEGIN_MS + 21 * DAY_MS,
      knownMs: BEGIN_MS + 28 * DAY_MS,
    });
    expect(next.exportedParts).toBe(1);
    expect(next.ref.rows).toBe(35 * 600);
  });

  test("counts only labels that were known", async () => {
    const early = await build({
      toMs: BEGIN_MS + 7 * DAY_MS,
      knownMs: BEGIN_MS + 7 * DAY_MS,
    });
    expect(early.ref.rows).toBe((14 + 7) * 600 - 49);
  });

  test("leaves quarantined rows out of their week and touches no other", async () => {
    const parts = async (): Promise<number> => (await readdir(join(folder, "parts"))).length;
    await build({});
    const before = await parts();
    const entry = {
      id: "q1",
      tag: "app",
      values: ["a1", "a3"],
      fromMs: BEGIN_MS + 8 * DAY_MS,
      toMs: BEGIN_MS + 10 * DAY_MS,
      reason: "broken",
    };
    const built = await build({ quarantine: [entry] });
    expect(built.exportedParts).toBe(1);
    expect(await parts()).toBe(before + 2);
    const description = await describeOf(built);
    expect(description.exclusions).toEqual([
      {
        id: "q1",
        tag: "app",
        values: ["a1", "a3"],
        fromMs: entry.fromMs,
        toMs: entry.toMs,
      },
    ]);
    expect(description.train.map(({ rows }) => rows)).toEqual([
      14 * 600,
      7 * 600,
      5 * 600 + 2 * 360,
    ]);
  });

  test("of a window shorter than all begins there and leaves the reference out", async () => {
    const built = await build({ choice: "7d" });
    const description = await describeOf(built);
    expect(description.train.map(({ source, rows }) => [source, rows])).toEqual([
      ["recorded", 7 * 600],
    ]);
  });

  test("is made again where a label was corrected", async () => {
    await build({});
    await world.store.command(correct, { id: "trip-100" });
    const built = await build({});
    expect(built.exportedParts).toBe(1);
    expect(built.ref.rows).toBe(28 * 600);
  });
});

const correct = defineCommand({
  name: "test_correct_label",
  params: z.object({ id: z.string() }),
  repeatable: true,
  sql: `INSERT INTO outcomes (model, ts, id, id_hash, version, tags, score, value, predicted, actual_label,
      actual_value, known, revision)
    SELECT model, ts, id, id_hash, version, tags, score, value, predicted,
      if(actual_label = '1', '0', '1'), actual_value, known, 2
    FROM outcomes FINAL WHERE id = {id:String}`,
});

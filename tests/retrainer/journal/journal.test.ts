import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { VersionRecord } from "../../../contract/run.ts";
import { firstBrokenLink } from "../../../retrainer/journal/audit-chain.ts";
import { type Journal, openJournal } from "../../../retrainer/journal/journal.ts";
import { systemClock } from "../../../runtime/clock.ts";

let folder: string;
let path: string;
let journal: Journal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-journal-"));
  path = join(folder, "journal.sqlite");
  journal = openJournal(path, { clock: systemClock });
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

const runBase = (id: string) => ({
  id,
  model: "m",
  kind: "retrain" as const,
  trigger: "manual",
  mode: "auto" as const,
  checkId: null,
  createdAtMs: 5,
  champion: "1",
  steps: [{ share: 1, lastsMs: 0 }],
  plan: { choice: "all", trainToMs: 0, knownMs: 5, blockFromMs: 0, blockToMs: 5 },
});
const version = (name: string): VersionRecord => ({
  model: "m",
  version: name,
  origin: "adopted",
  artifact: { folder: "/a", entry: "model.onnx", sha256: "f", bytes: 1, device: null },
  runId: null,
  parentVersion: null,
  registeredMs: 1,
  dataset: null,
  judgement: null,
  metrics: {},
  signature: { inputs: [], output: "score" },
});
const because = { actor: "test", atMs: 7, action: "test", reason: "a test" };

describe("the journal", () => {
  test("holds at most one active run of a model", () => {
    journal.runs.start(runBase("run-1"), { actor: "test", reason: "first" });
    expect(() => journal.runs.start(runBase("run-2"), { actor: "test", reason: "second" })).toThrow(
      /"run-1" is "decided"/,
    );
    journal.runs.advance("run-1", { kind: "cancelled", reason: "enough" }, because);
    journal.runs.start(runBase("run-2"), { actor: "test", reason: "second" });
    expect(journal.runs.active("m")?.id).toBe("run-2");
    expect(journal.runs.list("m").map(({ run }) => run.id)).toEqual(["run-2", "run-1"]);
  });

  test("moves the champion only from the revision that was seen", () => {
    journal.registry.adopt(version("1"), because);
    journal.registry.move("m", { expectedRevision: 1, version: "2" }, because);
    expect(() =>
      journal.registry.move("m", { expectedRevision: 1, version: "3" }, because),
    ).toThrow(/revision 1 must stand: it is 2/);
    expect(journal.registry.champion("m")).toEqual({
      version: "2",
      revision: 2,
      sinceMs: 7,
      previous: "1",
    });
  });

  test("performs an effect once, and answers its first result ever after", async () => {
    let performed = 0;
    const perform = () => Promise.resolve({ performed: ++performed });
    expect(await journal.effects.once("k", "test", {}, perform)).toEqual({ performed: 1 });
    journal.close();
    journal = openJournal(path, { clock: systemClock });
    expect(await journal.effects.once("k", "test", {}, perform)).toEqual({ performed: 1 });
  });

  test("performs an effect again whose end it never saw", async () => {
    await expect(
      journal.effects.once("k", "test", { what: "x" }, () => Promise.reject(new Error("cut"))),
    ).rejects.toThrow("cut");
    expect(journal.effects.find("k")).toEqual({
      kind: "test",
      intent: { what: "x" },
      result: null,
    });
    expect(await journal.effects.once("k", "test", {}, () => Promise.resolve({ ok: 1 }))).toEqual({
      ok: 1,
    });
  });

  test("chains its audit entries, refuses to change them, and shows where they were changed", () => {
    for (const atMs of [1, 2, 3]) journal.log.note("m", "v", { ...because, atMs });
    expect(firstBrokenLink(journal.log.audit(0))).toBeNull();
    journal.close();
    const raw = new DatabaseSync(path);
    expect(() => raw.exec("UPDATE audit SET reason = 'other' WHERE seq = 2")).toThrow(
      /not changed/,
    );
    raw.exec("DROP TRIGGER audit_keeps; UPDATE audit SET reason = 'other' WHERE seq = 2");
    raw.close();
    journal = openJournal(path, { clock: systemClock });
    expect(firstBrokenLink(journal.log.audit(0))).toBe(2);
  });

  test("counts each challenger of a block once", () => {
    const block = { fromMs: 0, toMs: 7 };
    expect(journal.switches.spendBlock("m", block, "a")).toBe(1);
    expect(journal.switches.spendBlock("m", block, "a")).toBe(1);
    expect(journal.switches.spendBlock("m", block, "b")).toBe(2);
  });

  test("is refused to a second retrainer, with what to do", { timeout: 20_000 }, () => {
    expect(() => openJournal(path, { clock: systemClock })).toThrow(/another retrainer holds it/);
  });

  test("is refused when a newer release wrote it", () => {
    journal.close();
    const raw = new DatabaseSync(path);
    raw.exec("PRAGMA user_version=99");
    raw.close();
    expect(() => openJournal(path, { clock: systemClock })).toThrow(/format 99 is newer/);
    const again = new DatabaseSync(path);
    again.exec("PRAGMA user_version=1");
    again.close();
    journal = openJournal(path, { clock: systemClock });
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RUN_STATUSES, TERMINAL_STATUSES } from "../../../contract/run.ts";
import {
  type Run,
  type RunEvent,
  isActive,
  newRun,
  transition,
} from "../../../retrainer/journal/run-state.ts";

const artifact = { folder: "/a", entry: "model.onnx", sha256: "f", bytes: 1, device: null };
const dataset = { folder: "/d", sha256: "e", rows: 10, fromMs: null, toMs: 1 };
const judgement = {
  verdict: "PASS" as const,
  reason: "better",
  gates: [],
  block: { fromMs: 0, toMs: 1 },
  rows: 10,
  blockUses: 1,
};
const start = (mode: "auto" | "propose"): Run =>
  newRun({
    id: "run-1",
    model: "m",
    kind: "retrain",
    trigger: "manual",
    mode,
    checkId: null,
    createdAtMs: 5,
    champion: "1",
    steps: [
      { share: 0.1, lastsMs: 100 },
      { share: 1, lastsMs: 0 },
    ],
    plan: { choice: "all", trainToMs: 0, knownMs: 5, blockFromMs: 0, blockToMs: 5 },
  });

const path: RunEvent[] = [
  { kind: "dataset_built", dataset },
  { kind: "training_started" },
  { kind: "trained", artifact },
  { kind: "registered", judgement, version: "2" },
  { kind: "staged", previous: [{ version: "1", share: 1 }] },
  { kind: "step_started", step: 0, fromMs: 5, untilMs: 105 },
  { kind: "promoted", reason: "held" },
];
const others: RunEvent[] = [
  { kind: "approved" },
  { kind: "rejected", reason: "worse", judgement },
  { kind: "step_started", step: 1, fromMs: 6, untilMs: 7 },
  { kind: "undo_started", reason: "errors", code: null, outcome: "rolled_back" },
  { kind: "undone" },
  { kind: "failed", code: "trainer_failed", reason: "exit 1" },
  { kind: "cancelled", reason: "by hand" },
];

describe("a run", () => {
  test("goes from decided to promoted by the events of a good challenger", () => {
    const statuses = path.reduce<{ run: Run; seen: string[] }>(
      ({ run, seen }, event) => {
        const next = transition(run, event, 9);
        return { run: next, seen: [...seen, next.status] };
      },
      { run: start("auto"), seen: [] },
    ).seen;
    expect(statuses).toEqual([
      "dataset",
      "training",
      "judging",
      "registered",
      "staged",
      "canary",
      "promoted",
    ]);
  });

  test("waits for approval before the target is touched when it only proposes", () => {
    const proposed = path
      .slice(0, 4)
      .reduce((run, event) => transition(run, event, 9), start("propose"));
    expect(proposed.status).toBe("approval");
    expect(transition(proposed, { kind: "approved" }, 10).status).toBe("registered");
  });

  test("ends as what the undo was for", () => {
    const canary = path
      .slice(0, 6)
      .reduce((run, event) => transition(run, event, 9), start("auto"));
    const undoing = transition(
      canary,
      { kind: "undo_started", reason: "5 % errors", code: null, outcome: "rolled_back" },
      10,
    );
    expect(transition(undoing, { kind: "undone" }, 11)).toMatchObject({
      status: "rolled_back",
      reason: "5 % errors",
      version: "2",
      endedAtMs: 11,
    });
  });

  test("is never cancelled while the target serves its version: that is an undo", () => {
    const canary = path
      .slice(0, 6)
      .reduce((run, event) => transition(run, event, 9), start("auto"));
    expect(() => transition(canary, { kind: "cancelled", reason: "x" }, 10)).toThrow(/"canary"/);
  });

  test("whatever is offered to it, keeps a known status, and leaves no terminal one", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("auto" as const, "propose" as const),
        fc.array(fc.constantFrom(...path, ...others), { maxLength: 40 }),
        (mode, events) => {
          let run = start(mode);
          for (const event of events) {
            const before = run;
            try {
              run = transition(run, event, 9);
            } catch {
              run = before;
            }
            expect(RUN_STATUSES).toContain(run.status);
            expect(isActive(run)).toBe(!TERMINAL_STATUSES.has(run.status));
            if (!isActive(before)) expect(run).toBe(before);
          }
        },
      ),
    );
  });
});

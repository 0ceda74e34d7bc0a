import { expect, it } from "vitest";
import {
  AgentHeads,
  BLIND_AFTER_MS,
  REPLACED_MAX_MS,
} from "../../../analyzer/rules/blind-agents.ts";

/** The old agent carried "m" and "n" and is heard last at `SILENT_MS`. */
const SILENT_MS = 3_600_000;
function agents(): AgentHeads {
  const heads = new AgentHeads();
  heads.hear("old", ["m", "n"], 0);
  heads.hear("old", [], SILENT_MS);
  return heads;
}
const later = SILENT_MS + 2 * BLIND_AFTER_MS;

it("an agent that a new one replaces does not page while that one waits for its first request", () => {
  const heads = agents();
  heads.hear("new", [], SILENT_MS + 20_000);
  heads.hear("new", [], later);
  expect(heads.stateOf("m", later).kind).toBe("replaced");
  heads.hear("new", ["n"], later + 1);
  expect(heads.stateOf("m", later + 1).kind).toBe("replaced");
  expect(heads.stateOf("n", later + 1).kind).toBe("seen");
  heads.hear("new", ["m"], later + 2);
  expect(heads.stateOf("m", later + 2).kind).toBe("seen");
});

it("a successor that gets no request is waited for ten minutes at most", () => {
  const heads = agents();
  const endMs = SILENT_MS + REPLACED_MAX_MS;
  heads.hear("new", [], SILENT_MS - BLIND_AFTER_MS);
  heads.hear("new", [], endMs);
  expect(heads.stateOf("m", endMs)).toEqual({ kind: "replaced", untilMs: endMs });
  expect(heads.stateOf("m", endMs + 1)).toMatchObject({ kind: "blind", sinceMs: SILENT_MS });
});

it.each([
  ["nobody", () => {}],
  ["one that is itself silent again", (heads: AgentHeads) => heads.hear("new", [], SILENT_MS)],
  ["one of other models", (heads: AgentHeads) => heads.hear("new", ["x"], later)],
  [
    "one that was always there",
    (heads: AgentHeads) => {
      heads.hear("other", [], 0);
      heads.hear("other", [], later);
    },
  ],
])("is blind after a minute when the successor is %s", (_name, hear) => {
  const heads = agents();
  hear(heads);
  expect(heads.stateOf("m", later).kind).toBe("blind");
});

it("agents listen since they are heard without a gap; those that carry the model come before others", () => {
  const heads = new AgentHeads();
  expect(heads.listeningSinceMs("m", 0)).toBeNull();
  heads.hear("a", [], 1_000);
  expect(heads.listeningSinceMs("m", 2_000)).toBe(1_000);
  heads.hear("a", ["m"], 2_000);
  heads.hear("b", [], 3_000);
  expect(heads.listeningSinceMs("m", 3_000)).toBe(1_000);
  const backMs = 2_000 + 2 * BLIND_AFTER_MS;
  heads.hear("b", [], backMs);
  expect(heads.listeningSinceMs("m", backMs)).toBeNull();
  heads.hear("a", [], backMs);
  expect(heads.listeningSinceMs("m", backMs + 5)).toBe(backMs);
});

import { expect, it } from "vitest";
import { emptyOutcome } from "../../agent/outcome.ts";
import { RecordWarnings } from "../../agent/record-warnings.ts";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";

it("each way in which records come wrong is told of once, with what to do, and counted for an hour", () => {
  const lines: [object, string][] = [];
  let nowMs = 0;
  const warnings = new RecordWarnings({
    logger: { ...silentLogger, warn: (fields, message) => void lines.push([fields, message]) },
    clock: { ...systemClock, monotonicMs: () => nowMs },
  });
  const nameless = { ...emptyOutcome(), deadLetters: new Map([["model_missing", 3]]) };
  warnings.tell(emptyOutcome());
  expect(lines).toEqual([]);
  for (let i = 0; i < 5; i++) warnings.tell(nameless);
  warnings.tell({ ...emptyOutcome(), droppedAttributes: 144, droppedRecords: 2 });
  expect(lines).toEqual([
    [{ count: 3 }, expect.stringMatching(/set aside \(model_missing\)\. .*dead-letters list/)],
    [{ count: 2 }, expect.stringMatching(/dropped attributes .* ml\.features.*128/)],
  ]);
  for (let i = 0; i < 2; i++) warnings.tellMetrics();
  expect(lines).toHaveLength(3);
  nowMs = LIMITS.recordWarningPeriodMs;
  warnings.tell(nameless);
  expect(lines[3]?.[0]).toEqual({ count: 3 + 4 * 3 });
});

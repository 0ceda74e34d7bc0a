import { expect, it } from "vitest";
import { judgePull } from "../../cli/commands/doctor-labels.ts";
import type { LabelsOfModel } from "../../contract/label-views.ts";

const now = Date.parse("2026-03-01T12:00:00Z");
const pull = (over: Partial<NonNullable<LabelsOfModel["pull"]>>): LabelsOfModel => ({
  model: "card-fraud",
  pull: {
    ...{ every: "1h", pulled: "2026-03-01T11:48:00.000Z", watermark: "2026-03-01T11:40:00.000Z" },
    ...{ rows: 3412, rowsTotal: 9000, refused: 0, failures: 0, error: null, ...over },
  },
  absence: null,
  censored: null,
});
const told = (labels: LabelsOfModel): string => {
  const found = judgePull(labels, now);
  return `${found?.state}: ${found?.detail}`.replaceAll("\u202f", " ");
};

it("a pull that is well says when it was and what it brought", () => {
  expect(told(pull({}))).toBe('ok: of "card-fraud" pulled 12 minutes ago, 3 412 rows');
});

it("one that fails, brings rows that are no labels, or has not begun says what to do", () => {
  expect(told(pull({ failures: 3, error: "no such table" }))).toBe(
    'wrong: of "card-fraud" pulled 12 minutes ago, 3 412 rows; the last 3 tries failed: no such table',
  );
  expect(told(pull({ refused: 2, error: "row 7 has no id" }))).toBe(
    'warning: of "card-fraud" pulled 12 minutes ago, 3 412 rows; 2 are no labels: row 7 has no id',
  );
  const never = pull({ pulled: null, rows: 0 });
  expect(told(never)).toBe('warning: of "card-fraud" pulled never yet, every 1h');
  expect(judgePull({ ...never, pull: null }, now)).toBeNull();
});

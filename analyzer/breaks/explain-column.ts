/**
 * What happened to one broken column, in the finding's words. A shift may differ by the values of another
 * column (UTC for local hours, by airport): whichever column makes it clearest is the one that is named.
 */
import type { BrokenColumn } from "../../contract/alert.ts";
import { type BreakExplanation, type BreakInput, explainBreak } from "../../stats/index.ts";

export interface Candidate {
  /** Column whose values are told apart; null: none. */
  readonly by: string | null;
  readonly input: BreakInput;
}

/** The explanation that undoes most, with the column that it is told apart by. */
export function explainColumn(column: string, candidates: readonly Candidate[]): BrokenColumn {
  const explained = candidates.map(({ by, input }) => ({
    by,
    input,
    explanation: explainBreak(input),
  }));
  const best = explained.reduce<(typeof explained)[number] | undefined>(
    (winner, next) =>
      winner === undefined || strength(next.explanation) > strength(winner.explanation) + CLEARER
        ? next
        : winner,
    undefined,
  );
  return best === undefined
    ? { column, change: "other", text: "no rows were found to explain it" }
    : describe(column, best.by, best.input, best.explanation);
}

/** A change that has no name: of all rows at once it may be the world as well as the data. */
export const UNEXPLAINED = "changed in a way that no factor or shift undoes";

/** Being told apart must explain that much more than not being told apart. */
const CLEARER = 0.02;

function strength(explanation: BreakExplanation): number {
  if (explanation.kind === "unknown") return explanation.explained - 1;
  return "explained" in explanation ? explanation.explained : 1;
}

function describe(
  column: string,
  by: string | null,
  input: BreakInput,
  explanation: BreakExplanation,
): BrokenColumn {
  switch (explanation.kind) {
    case "factor":
      return { column, change: "factor", factor: explanation.factor };
    case "shift": {
      const period = input.kind === "numeric" ? (input.period ?? null) : null;
      const [median, min, max] = [explanation.shift, explanation.lower, explanation.upper];
      // Off the circle the interval is of the estimate, not of groups.
      const range = explanation.within === undefined ? { min: median, max: median } : { min, max };
      const told = explanation.within === undefined ? null : by;
      return {
        column,
        change: "shift",
        shift: { ...onCircle(median, range, period), period, by: told },
      };
    }
    case "missing":
      return {
        column,
        change: "other",
        text: `missing in ${percent(explanation.shareAfter)} of the rows, before in ${percent(explanation.shareBefore)}`,
      };
    case "constant":
      return {
        column,
        change: "other",
        text: `always "${explanation.value}" (${percent(explanation.shareAfter)}, before ${percent(explanation.shareBefore)})`,
      };
    case "new-categories":
      return {
        column,
        change: "other",
        text: `${percent(explanation.share)} unknown categories, such as ${explanation.examples.map((name) => `"${name}"`).join(", ")}`,
      };
    case "unknown":
      return { column, change: "other", text: UNEXPLAINED };
  }
}

/** Modulo the period, in [0, period), all three turned by the same whole circles as the median. */
function onCircle(
  median: number,
  range: { readonly min: number; readonly max: number },
  period: number | null,
): { median: number; min: number; max: number } {
  if (period === null) return { median, ...range };
  const turned = ((median % period) + period) % period;
  const turn = turned - median;
  return { median: turned, min: range.min + turn, max: range.max + turn };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../contract/limits.ts";
import { readCondition } from "../../contract/record-condition.ts";

const treeOf = (text: string) => {
  const read = readCondition(text);
  return read.kind === "condition" ? read.condition : read.reason;
};

describe("a condition on records", () => {
  it("is read with the precedence of SQL", () => {
    const one = { place: "any", name: "decision" };
    expect(
      treeOf("decision = 'blocked' OR score > 0.9 AND NOT tag.country IN ('DE', 'AT')"),
    ).toEqual({
      kind: "any",
      of: [
        { kind: "compare", name: one, by: "=", to: "blocked" },
        {
          kind: "all",
          of: [
            { kind: "compare", name: { place: "record", name: "score" }, by: ">", to: 0.9 },
            {
              kind: "not",
              of: {
                kind: "one-of",
                name: { place: "tag", name: "country" },
                values: ["DE", "AT"],
              },
            },
          ],
        },
      ],
    });
  });

  it("names what is called like a column by feature., and anything at all in quotes", () => {
    expect(treeOf("feature.score IS NOT NULL")).toEqual({
      kind: "not",
      of: { kind: "missing", name: { place: "feature", name: "score" } },
    });
    expect(treeOf(`"client-id" <> 'it''s'`)).toEqual({
      kind: "compare",
      name: { place: "any", name: "client-id" },
      by: "!=",
      to: "it's",
    });
  });

  it("takes what is true for the category or the number that capture makes of it", () => {
    expect(treeOf("blocked = TRUE")).toMatchObject({ kind: "one-of", values: ["true", "1"] });
  });

  it.each([
    ["", "expected a feature, a tag or a column at 1, there is its end"],
    ["decision", "expected a comparison, IN or IS at 9, there is its end"],
    ["decision = blocked", `expected a 'text' or a number at 12, there is "blocked"`],
    ["score = 'high'", `expected a number for "score" at 9, there is "high"`],
    ["a = 1 b = 2", `expected AND, OR or the end at 7, there is "b"`],
    ["a = 1; DROP TABLE x", `cannot read ";" at 6`],
    ["sleep(3) = 0", `expected a comparison, IN or IS at 6, there is "("`],
    ["a IN (1, 'x')", `"a" is compared with texts and numbers at once`],
    ["a IN (SELECT 1)", `expected a 'text' or a number at 7, there is "SELECT"`],
    ["a = 'open", `cannot read "'" at 5`],
    [`${"(".repeat(100)}a = 1`, `is nested deeper than ${LIMITS.conditionDepthMax}`],
  ])("%j is refused with its place", (text, reason) => {
    expect(treeOf(text)).toBe(reason);
  });

  it("never throws, whatever the text", () => {
    const piece = fc.constantFrom(
      "a",
      "'x'",
      "(",
      ")",
      "AND",
      "NOT",
      "IN",
      "=",
      "1",
      ",",
      '"',
      "{",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((all) => all.join(" ")),
        ),
        (text) => {
          expect(["condition", "wrong"]).toContain(readCondition(text).kind);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/**
 * How values of ClickHouse columns arrive in JSON rows, as zod schemas for `defineQuery`: times as
 * milliseconds, non-finite numbers as numbers, counts as numbers.
 */
import { z } from "zod";

/** A DateTime or DateTime64 column in UTC → milliseconds since 1970. */
export const timeMs = z.string().transform((text, context): number => {
  const ms = Date.parse(`${text.replace(" ", "T")}Z`);
  if (Number.isNaN(ms)) {
    context.addIssue({ code: "custom", message: `"${text}" is not a time of the engine` });
  }
  return ms;
});

/** A Float column; the engine writes non-finite values as text. */
export const float = z.union([
  z.number(),
  z.enum(["nan", "-nan", "inf", "-inf"]).transform((text): number => {
    if (text === "inf") return Number.POSITIVE_INFINITY;
    return text === "-inf" ? Number.NEGATIVE_INFINITY : Number.NaN;
  }),
]);

/** An Int64 or UInt64 column that counts something; beyond 2^53 is an error. */
export const count = z.int();

/** A String column that holds JSON. */
export const json = z
  .string()
  .transform((text): unknown => (text === "" ? null : JSON.parse(text)));

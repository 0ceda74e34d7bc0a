/** How a feature's text is hidden before it reaches a disk. */
import { z } from "zod";

const PATTERN_MAX = 500;

const Pattern = z
  .string()
  .min(1)
  .max(PATTERN_MAX)
  .refine((pattern) => isRegExp(pattern), "expected a regular expression of JavaScript");

/** `replace`: whatever the pattern finds becomes `by`. */
export const Redaction = z.union([
  z.enum(["drop", "hash", "truncate"]),
  z.strictObject({ replace: Pattern, by: z.string().max(100).prefault("…") }),
]);
export type Redaction = z.output<typeof Redaction>;

function isRegExp(pattern: string): boolean {
  try {
    return new RegExp(pattern, "gu").flags !== "";
  } catch {
    return false;
  }
}

/** Is a share of errors above what is allowed, beyond chance? Exact, since errors are few. */
import type { ShareInterval } from "./binomial.ts";
import { binomialUpperTail, shareInterval } from "./binomial.ts";

export interface ErrorShareTest extends ShareInterval {
  readonly errors: number;
  readonly rows: number;
  readonly limit: number;
  /** P(as many errors or more) at the limit. */
  readonly pValue: number;
}

/**
 * Exact one-sided test of errors/rows > limit, with the exact interval of the share.
 * @param errors 0 … rows   @param limit the share that is allowed, in [0, 1]
 * @returns pValue 1 where there are no rows
 */
export function errorShareTest(
  errors: number,
  rows: number,
  limit: number,
  confidence: number = 0.95,
): ErrorShareTest {
  const pValue = rows === 0 ? 1 : binomialUpperTail(errors, rows, limit);
  return { ...shareInterval(errors, rows, confidence), errors, rows, limit, pValue };
}

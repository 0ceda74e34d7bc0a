/** The 5-minute steps on which rules about the service stand. */

export const STEP_MS = 5 * 60_000;
export const HOUR_STEPS = 12;
/** What is judged at the end of each step, shortest first: 5 minutes for what is plain, half an hour, an hour. */
export const SPANS_STEPS = [1, 6, HOUR_STEPS] as const;

/** Steps in (endMs − `count` steps, endMs]; `steps` may reach further on either side. */
export function stepsUpTo<S extends { readonly endMs: number }>(
  steps: readonly S[],
  endMs: number,
  count: number,
): readonly S[] {
  return steps.filter((step) => step.endMs > endMs - count * STEP_MS && step.endMs <= endMs);
}

/** A failure on the terminal: what is wrong with its code, and below it what to type or do. */
import { DriftmendError, describeError } from "../contract/driftmend-error.ts";
import type { Paint } from "./paint.ts";
import { type HowTyped, asTyped } from "./typed-command.ts";

/** `typed` null: hints as they are written. */
export function errorLines(error: unknown, paint: Paint, typed: HowTyped | null = null): string[] {
  const name = paint("red", "driftmend:");
  if (!(error instanceof DriftmendError)) return [`${name} ${describeError(error)}`];
  const what = `${name} ${error.message} ${paint("dim", `[${error.code}]`)}`;
  return error.next === undefined
    ? [what]
    : [what, `  → ${typed === null ? error.next : asTyped(error.next, typed)}`];
}

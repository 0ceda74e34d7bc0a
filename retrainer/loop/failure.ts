/** Which failures pass by themselves, and what is said of the others. */
import { DriftmendError } from "../../contract/driftmend-error.ts";

/** True where the same step will work later without anybody's help: it is simply tried again. */
export function passesByItself(error: unknown): boolean {
  if (!(error instanceof DriftmendError)) return false;
  if (error.code === "training_stopped") return true;
  return error.code.startsWith("store_") && error.retry !== "never";
}

export interface Failure {
  readonly code: string;
  readonly reason: string;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof DriftmendError) {
    const next = error.next === undefined ? "" : ` ${error.next}`;
    return { code: error.code, reason: `${error.message}.${next}` };
  }
  return { code: "internal", reason: error instanceof Error ? error.message : String(error) };
}

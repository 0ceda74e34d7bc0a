/** What a document would change of the one that holds: leaf by leaf, defaults filled in on both sides. Pure. */
import { durationText } from "../../contract/duration.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";

export interface DocumentChange {
  /** "labels.lateness". */
  readonly path: string;
  /** Null: it was not there; not there any more. */
  readonly from: unknown;
  readonly to: unknown;
}

export function compareDocuments(
  holds: OnboardingDocument,
  wanted: OnboardingDocument,
): readonly DocumentChange[] {
  return differences("", holds, wanted);
}

function differences(path: string, a: unknown, b: unknown): DocumentChange[] {
  if (isMap(a) && isMap(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return keys.flatMap((key) => differences(path === "" ? key : `${path}.${key}`, a[key], b[key]));
  }
  // Columns and segments are told as a whole: a feature that is new has one line.
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  const key = path.slice(path.lastIndexOf(".") + 1);
  return [{ path, from: asWritten(key, a), to: asWritten(key, b) }];
}

/** Keys whose values are spans of time, wherever they stand. */
const SPANS = new Set([
  ...["every", "deadline", "negative_after", "lateness", "expected_within", "season"],
  ...["latency_p95", "no_traffic", "embargo", "block", "for"],
]);

/** As a person writes it in a document: a parsed one holds milliseconds. */
function asWritten(key: string, value: unknown): unknown {
  return typeof value === "number" && SPANS.has(key) ? durationText(value) : (value ?? null);
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

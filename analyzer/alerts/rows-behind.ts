/** Which rows stand behind an alert, by its kind: what a person looks at first. */
import type { AlertKind, DataBreakFinding, Numbers } from "../../contract/alert.ts";

const HOUR_MS = 3_600_000;

export interface RowsBehind {
  readonly fromMs: number;
  readonly toMs: number;
  readonly tag: string;
  readonly values: readonly string[];
  readonly failed: boolean;
  readonly seconds: number;
  /** The last rows of the span instead of the first. */
  readonly newestFirst: boolean;
  /** What they are, in words. */
  readonly which: string;
}

/** Null: no rows are behind it, as behind an alert about Driftmend itself. */
export function rowsBehind(
  alert: {
    readonly kind: AlertKind;
    readonly fromMs: number;
    readonly toMs: number | null;
    readonly numbers: Numbers;
    readonly finding: DataBreakFinding | null;
  },
  nowMs: number,
): RowsBehind | null {
  const { kind, fromMs, numbers, finding } = alert;
  const all: RowsBehind = {
    ...{ fromMs, toMs: alert.toMs ?? nowMs, tag: "", values: [], failed: false, seconds: 0 },
    ...{ newestFirst: false, which: "rows" },
  };
  switch (kind) {
    case "self":
      return null;
    case "error-share":
      return { ...all, failed: true, which: "failed requests" };
    case "latency": {
      // An anomaly of a server's resources has no promise, and no rows that are slower.
      if (numbers["promisedMs"] === undefined) return all;
      const promisedMs = Number(numbers["promisedMs"]);
      return { ...all, seconds: promisedMs / 1000, which: `rows slower than ${promisedMs} ms` };
    }
    case "no-traffic":
    case "blind-agent":
      return {
        ...{ ...all, fromMs: fromMs - HOUR_MS, toMs: fromMs + 1, newestFirst: true },
        which: "rows before it began, the last first",
      };
    case "data-break": {
      const segment = finding?.segment ?? null;
      if (segment === null) return all;
      const { tag, values } = segment;
      return { ...all, tag, values, which: `rows of ${tag} ${values.join(", ")}` };
    }
    case "calibration":
    case "performance":
    case "drift":
    case "prediction-drift":
    case "quality":
    case "volume":
    case "no-labels":
      return all;
  }
}

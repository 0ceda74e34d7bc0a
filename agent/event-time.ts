/** Times as people and SDKs write them: RFC 3339, or Unix nanoseconds as digits. Anything else is not guessed at. */

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const NANOS_PER_MS = 1_000_000n;

/** Milliseconds since 1970 UTC, rounded down; NaN for what is no time. */
export function timeOf(value: unknown): number {
  if (typeof value === "number") {
    return Number.isFinite(value) ? Math.floor(value / 1_000_000) : Number.NaN;
  }
  if (typeof value !== "string") return Number.NaN;
  if (/^\d{1,20}$/.test(value)) return Number(BigInt(value) / NANOS_PER_MS);
  if (!RFC_3339.test(value)) return Number.NaN;
  return Date.parse(value.replace(" ", "T").toUpperCase());
}

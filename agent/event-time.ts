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

/** From 0000-03-01, where the calendar's eras of 400 years begin, to 1970-01-01. */
const DAYS_BEFORE_EPOCH = 719_468;
const DAYS_OF_ERA = 146_097;

/**
 * The same for the bytes of the commonest form, `2026-01-15T12:00:00.123Z`; NaN for every other, which `timeOf` is
 * then to be asked about.
 */
export function rfc3339Ms(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 24 || bytes[start + 4] !== DASH || bytes[start + 7] !== DASH)
    return Number.NaN;
  if (bytes[start + 10] !== T || bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) {
    return Number.NaN;
  }
  if (bytes[start + 19] !== POINT || bytes[start + 23] !== Z) return Number.NaN;
  const year = digits(bytes, start, 4);
  const month = digits(bytes, start + 5, 2);
  const day = digits(bytes, start + 8, 2);
  const hour = digits(bytes, start + 11, 2);
  const minute = digits(bytes, start + 14, 2);
  const second = digits(bytes, start + 17, 2);
  const millis = digits(bytes, start + 20, 3);
  // The ends of months are left to the other way, as is whatever is no digit.
  const isPlain = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 28;
  if (!isPlain || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  const clock = ((hour * 60 + minute) * 60 + second) * 1000 + millis;
  return daysSinceEpoch(year, month, day) * 86_400_000 + clock;
}

const DASH = 0x2d;
const COLON = 0x3a;
const POINT = 0x2e;
const T = 0x54;
const Z = 0x5a;

/** NaN where one is no digit. */
function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Howard Hinnant's days_from_civil: years that begin in March have their leap day at the end. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * DAYS_OF_ERA + dayOfEra - DAYS_BEFORE_EPOCH;
}

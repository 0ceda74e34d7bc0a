/** Numbers, times and spans as people read them; the same everywhere in the command. */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;

/** 1234567 → "1 234 567", with spaces that do not break. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replaceAll(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** "Mon 2026-09-14 06:00" in UTC. */
export function formatTime(timeMs: number): string {
  const date = new Date(timeMs);
  return `${DAYS[date.getUTCDay()]} ${date.toISOString().slice(0, 16).replace("T", " ")}`;
}

/** "Mon 2026-09-14 06:00 UTC", of an RFC 3339 text, where no column's title says UTC. */
export function formatInstant(text: string): string {
  return `${formatTime(Date.parse(text))} UTC`;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z$/;

/** A field of an answer by what its name and form say that it is: time, span, bytes, number, text. */
export function formatFact(name: string, value: unknown): string {
  if (typeof value === "string") return RFC_3339.test(value) ? formatInstant(value) : value;
  if (typeof value !== "number") return value === null || value === undefined ? "" : String(value);
  if (name.endsWith("Ms")) return value > 1e11 ? `${formatTime(value)} UTC` : formatSpan(value);
  if (name.endsWith("Bytes")) return formatBytes(value);
  return formatNumber(value);
}

/** "850 ms", "12 s", "4:05 min", "20 min", "3 h 20 min", "5 d 3 h". */
export function formatSpan(spanMs: number): string {
  if (spanMs < SECOND_MS) return `${Math.round(spanMs)} ms`;
  if (spanMs < MINUTE_MS) return `${Math.round(spanMs / SECOND_MS)} s`;
  if (spanMs < HOUR_MS) {
    const seconds = Math.round(spanMs / SECOND_MS);
    if (seconds % 60 === 0) return `${seconds / 60} min`;
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} min`;
  }
  if (spanMs < 2 * DAY_MS) return twoUnits(spanMs, HOUR_MS, "h", MINUTE_MS, "min");
  return twoUnits(spanMs, DAY_MS, "d", HOUR_MS, "h");
}

function twoUnits(
  spanMs: number,
  largeMs: number,
  large: string,
  smallMs: number,
  small: string,
): string {
  const rest = Math.floor((spanMs % largeMs) / smallMs);
  const first = `${Math.floor(spanMs / largeMs)} ${large}`;
  return rest === 0 ? first : `${first} ${rest} ${small}`;
}

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Four significant digits; whole numbers whole. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value))
    return Math.abs(value) >= 10_000 ? formatCount(value) : String(value);
  return Number(value.toPrecision(4)).toString();
}

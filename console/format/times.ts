/** Times in UTC, always: the same text on every screen and in every log. */
import { NOTHING } from "./numbers.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

type Maybe = string | number | null | undefined;

const msOf = (time: string | number): number =>
  typeof time === "number" ? time : Date.parse(time);

/** "2026-08-13 16:35". */
export function formatTime(time: Maybe): string {
  if (time == null || !Number.isFinite(msOf(time))) return NOTHING;
  return new Date(msOf(time)).toISOString().slice(0, 16).replace("T", " ");
}

/** "2026-08-13". */
export const formatDay = (time: Maybe): string => formatTime(time).slice(0, 10);

/** "13 Aug". */
export function formatShortDay(time: Maybe): string {
  if (time == null || !Number.isFinite(msOf(time))) return NOTHING;
  const date = new Date(msOf(time));
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ""}`;
}

/** "16:35:02". */
export const formatClock = (ms: number): string => new Date(ms).toISOString().slice(11, 19);

/** A span of whole days by its first and last day, any other by its ends. */
export function formatSpan(from: Maybe, to: Maybe): string {
  if (from == null || to == null) return NOTHING;
  const [fromMs, toMs] = [msOf(from), msOf(to)];
  if (fromMs % DAY_MS !== 0 || toMs % DAY_MS !== 0) {
    const sameDay = formatDay(fromMs) === formatDay(toMs);
    return `${formatTime(fromMs)} – ${sameDay ? formatTime(toMs).slice(11) : formatTime(toMs)}`;
  }
  if (toMs - fromMs <= DAY_MS) return formatShortDay(fromMs);
  const last = toMs - DAY_MS;
  const sameMonth = new Date(fromMs).getUTCMonth() === new Date(last).getUTCMonth();
  const begin = sameMonth ? String(new Date(fromMs).getUTCDate()) : formatShortDay(fromMs);
  return `${begin} – ${formatShortDay(last)}`;
}

/** How long: "20 min", "7 d", "1 h 5 min". */
export function formatDuration(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.round(ms / 1000))} s`;
  if (ms < HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) {
    const minutes = Math.round((ms % HOUR_MS) / MINUTE_MS);
    return `${Math.floor(ms / HOUR_MS)} h${minutes === 0 ? "" : ` ${minutes} min`}`;
  }
  return `${Math.round(ms / DAY_MS)} d`;
}

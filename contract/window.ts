/**
 * Windows of model time: which spans a verdict is about, and the one name each has in routes, tables and
 * alerts. Days and ISO weeks are UTC, Monday 00:00 to Monday 00:00.
 */
import { z } from "zod";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const WEEK_MS = 7 * DAY_MS;

/** 1970-01-05, the first Monday after the epoch. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** `fortnight`: the 14 complete days before a Monday, what calibration is judged on. */
export const WindowGrain = z.enum(["day", "week", "fortnight"]);
export type WindowGrain = z.infer<typeof WindowGrain>;

export interface Window {
  readonly grain: WindowGrain;
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

const SPAN_MS: Readonly<Record<WindowGrain, number>> = {
  day: DAY_MS,
  week: WEEK_MS,
  fortnight: 2 * WEEK_MS,
};

/** The window of that grain which ends at `toMs`. */
export function windowEndingAt(grain: WindowGrain, toMs: number): Window {
  return { grain, fromMs: toMs - SPAN_MS[grain], toMs };
}

export const startOfDay = (timeMs: number): number => Math.floor(timeMs / DAY_MS) * DAY_MS;

/** The Monday 00:00 UTC at or before a time. */
export const startOfWeek = (timeMs: number): number =>
  Math.floor((timeMs - FIRST_MONDAY_MS) / WEEK_MS) * WEEK_MS + FIRST_MONDAY_MS;

/** The name of a window in routes and tables: `week-2026-04-27`, by its first day. */
export function windowName(window: Window): string {
  return `${window.grain}-${new Date(window.fromMs).toISOString().slice(0, 10)}`;
}

/** The inverse of `windowName`; null for anything else, and for weeks that begin on no Monday. */
export function parseWindowName(name: string): Window | null {
  const match = /^(day|week|fortnight)-(\d{4}-\d{2}-\d{2})$/.exec(name);
  const grain = WindowGrain.safeParse(match?.[1]);
  const fromMs = Date.parse(`${match?.[2] ?? ""}T00:00:00Z`);
  if (!grain.success || Number.isNaN(fromMs)) return null;
  if (grain.data !== "day" && startOfWeek(fromMs) !== fromMs) return null;
  return { grain: grain.data, fromMs, toMs: fromMs + SPAN_MS[grain.data] };
}

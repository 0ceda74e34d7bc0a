/** Spans of time as documents write them ("90s", "1h", "14d"), and back. */
import { z } from "zod";

const SECOND_MS = 1000;
const UNITS_MS = {
  ms: 1,
  s: SECOND_MS,
  m: 60 * SECOND_MS,
  h: 3600 * SECOND_MS,
  d: 86_400 * SECOND_MS,
  w: 604_800 * SECOND_MS,
} as const;

/** A century: what is longer would leave the dates that can be written. */
const SPAN_MS_MAX = 36_525 * UNITS_MS.d;

/** "90s", "1h", "14d", "1w" → milliseconds; a bare 0 is allowed. */
export const Duration = z
  .union([
    z.literal(0),
    z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d|w)$/, "expected e.g. 30s, 1h, 14d"),
  ])
  .transform((text): number => {
    if (text === 0) return 0;
    const unit = /[a-z]+$/.exec(text)?.[0] as keyof typeof UNITS_MS;
    return Math.round(Number.parseFloat(text) * UNITS_MS[unit]);
  })
  .refine((ms) => ms <= SPAN_MS_MAX, "expected at most a hundred years, 36525d");

const WRITTEN = ["d", "h", "m", "s", "ms"] as const;

/** 604 800 000 → "7d", 90 000 → "90s": what `Duration` reads as exactly these milliseconds. */
export function durationText(ms: number): string {
  if (ms === 0) return "0s";
  const unit = WRITTEN.find((candidate) => ms % UNITS_MS[candidate] === 0) ?? "ms";
  return `${ms / UNITS_MS[unit]}${unit}`;
}

const ROUGH = [
  ["days", "d"],
  ["hours", "h"],
  ["minutes", "m"],
  ["seconds", "s"],
] as const;

/** For a sentence, in two digits: "77 ms", "1.5 seconds", "26 hours", "14 days". */
export function roughSpan(ms: number): string {
  const found = ROUGH.find(([, unit]) => ms >= 1.5 * UNITS_MS[unit]);
  if (found === undefined) return `${Number(ms.toPrecision(2))} ms`;
  const value = ms / UNITS_MS[found[1]];
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ${found[0]}`;
}

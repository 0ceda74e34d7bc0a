/** A window's figures by segment, the worst first, beside those of all rows. */
import type { PerformanceWindow } from "../../contract/views.ts";

export interface SegmentRow {
  readonly name: string;
  readonly window: PerformanceWindow;
}

/** Of the newest window that has segments; the metric's order says which end is worse. */
export function newestSegments(windows: readonly PerformanceWindow[]): readonly SegmentRow[] {
  const newest = windows.reduce((last, { to }) => (to > last ? to : last), "");
  return windows
    .filter(({ to, segment }) => to === newest && segment !== null)
    .map((window) => ({
      name: `${window.segment?.tag ?? ""} ${window.segment?.value ?? ""}`,
      window,
    }))
    .sort((a, b) => skillOf(a) - skillOf(b) || a.name.localeCompare(b.name));
}

const skillOf = ({ window }: SegmentRow): number =>
  window.metrics["skill"]?.value ?? Number.POSITIVE_INFINITY;

/** A range that holds all ends of intervals, and zero, with some air. */
export function rangeOf(values: readonly (number | null | undefined)[]): readonly [number, number] {
  const known = [0, ...values.filter((value): value is number => value != null)];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const air = (high - low || 1) * 0.04;
  return [low - air, high + air];
}

/**
 * Where the bars of a histogram stand: numeric bins as wide as the values that they span, as far as that
 * can be drawn, with the height that keeps areas right; categories side by side.
 */
import type { HistogramView } from "../../contract/views.ts";
import { formatNumber } from "../format/numbers.ts";

export interface HistogramBar {
  readonly name: string;
  /** On [0, 1]. */
  readonly from: number;
  readonly to: number;
  readonly referenceShare: number;
  readonly currentShare: number;
  /** Share per width: what is drawn. */
  readonly referenceHeight: number;
  readonly currentHeight: number;
}

/** A bin is never drawn thinner or wider than this times the others' mean: a spike and a long tail stay visible. */
const WIDTH_MIN = 0.35;
const WIDTH_MAX = 4;

export function histogramBars(histogram: HistogramView): readonly HistogramBar[] {
  const { cells } = histogram;
  const widths = widthsOf(histogram);
  const whole = widths.reduce((sum, width) => sum + width, 0) || 1;
  const referenceRows = sum(histogram.reference) || 1;
  const currentRows = sum(histogram.current) || 1;
  let at = 0;
  return cells.map((cell, i) => {
    const from = at;
    const width = (widths[i] ?? 0) / whole;
    at += width;
    const referenceShare = (histogram.reference[i] ?? 0) / referenceRows;
    const currentShare = (histogram.current[i] ?? 0) / currentRows;
    const perWidth = histogram.kind === "numeric" ? width || 1 : 1;
    return {
      name: cell.label === "" ? binName(cell.from, cell.to) : cell.label,
      from,
      to: at,
      referenceShare,
      currentShare,
      referenceHeight: referenceShare / perWidth,
      currentHeight: currentShare / perWidth,
    };
  });
}

function widthsOf({ kind, cells }: HistogramView): readonly number[] {
  if (kind === "categorical") return cells.map(() => 1);
  const spans = cells.map(({ from, to }) => (from === null || to === null ? null : to - from));
  const known = spans.filter((span): span is number => span !== null).sort((a, b) => a - b);
  const middle = known[Math.floor(known.length / 2)] ?? 1;
  return spans.map((span, i) => {
    // A last bin ends with the last grid cell that has rows: its end says little of its values.
    const least = i === 0 || spans[i + 1] == null ? 1 : WIDTH_MIN;
    return span === null ? 1 : Math.min(WIDTH_MAX, Math.max(least, span / (middle || 1)));
  });
}

function binName(from: number | null, to: number | null): string {
  if (from === null) return to === null ? "all" : `below ${formatNumber(to)}`;
  return to === null ? `from ${formatNumber(from)}` : `${formatNumber(from)} – ${formatNumber(to)}`;
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

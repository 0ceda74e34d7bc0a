/** Reference and current rows of a feature on the same cells: the reference as ground, the current as line. */
import type { HistogramView } from "../../contract/views.ts";
import { formatCount, formatShare } from "../format/numbers.ts";
import { type HistogramBar, histogramBars } from "./histogram-bars.ts";

const WIDTH = 640;

export function Histogram(props: {
  readonly histogram: HistogramView;
  readonly feature: string;
  readonly unit?: string | undefined;
  /** With axes and names. */
  readonly large?: boolean;
}) {
  const { histogram, feature, large = false } = props;
  const height = large ? 190 : 44;
  const floor = large ? height - 22 : height - 2;
  const bars = histogramBars(histogram);
  const top = Math.max(...bars.map((bar) => Math.max(bar.referenceHeight, bar.currentHeight)), 0);
  const x = (at: number): number => at * WIDTH;
  const y = (size: number): number => floor - (size / (top || 1)) * (floor - 6);
  return (
    <svg
      class={`histogram ${large ? "large" : ""}`}
      viewBox={`0 0 ${WIDTH} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${feature}: shares of the reference (grey) and of the current rows (outline)`}
    >
      {bars.map((bar) => (
        <g key={bar.name}>
          <title>{barTitle(bar)}</title>
          <rect
            class="reference"
            x={x(bar.from)}
            width={Math.max(0.5, x(bar.to) - x(bar.from) - 1)}
            y={y(bar.referenceHeight)}
            height={floor - y(bar.referenceHeight)}
          />
        </g>
      ))}
      <path class="current" d={outline(bars, x, y, floor)} vector-effect="non-scaling-stroke" />
      <path class="floor" d={`M0 ${floor}H${WIDTH}`} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

const barTitle = (bar: HistogramBar): string =>
  `${bar.name}: reference ${formatShare(bar.referenceShare)}, current ${formatShare(bar.currentShare)}`;

function outline(
  bars: readonly HistogramBar[],
  x: (at: number) => number,
  y: (size: number) => number,
  floor: number,
): string {
  let path = "";
  let end = -1;
  for (const bar of bars) {
    const [left, right, top] = [x(bar.from), x(bar.to), y(bar.currentHeight)];
    path +=
      left === end
        ? `V${top}H${right}`
        : `${path === "" ? "" : `V${floor}`}M${left} ${floor}V${top}H${right}`;
    end = right;
  }
  return path === "" ? "" : `${path}V${floor}`;
}

/** The same as a table: what the picture shows in numbers. */
export function HistogramTable(props: {
  readonly histogram: HistogramView;
  readonly feature: string;
}) {
  const { histogram } = props;
  const bars = histogramBars(histogram);
  const rows = histogram.cells.map((_, i) => ({
    reference: histogram.reference[i] ?? 0,
    current: histogram.current[i] ?? 0,
  }));
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={`${props.feature} in numbers`}>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">{histogram.kind === "numeric" ? "From – to" : "Category"}</th>
            <th scope="col" class="right">
              Reference
            </th>
            <th scope="col" class="right">
              Current
            </th>
            <th scope="col" class="right">
              Rows
            </th>
          </tr>
        </thead>
        <tbody>
          {bars.map((bar, i) => (
            <tr key={bar.name}>
              <th scope="row">{bar.name}</th>
              <td class="right num">{formatShare(bar.referenceShare)}</td>
              <td class="right num">{formatShare(bar.currentShare)}</td>
              <td class="right num">
                {formatCount(rows[i]?.reference)} / {formatCount(rows[i]?.current)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

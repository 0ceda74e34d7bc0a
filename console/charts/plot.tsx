/**
 * One chart over time, drawn by uPlot: times in UTC, colours from the style sheet, redrawn when they change.
 * The chart is a picture with a cursor that mouse, finger and arrow keys move; what stands there is told by
 * the parent in text.
 */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { onTheme } from "../theme.ts";
import { timeLabels } from "./time-labels.ts";

/** Left of every chart and lane, so that all share one axis of time. */
export const GUTTER = 52;
export const MARGIN = 22;

export interface PlotLine {
  readonly values: readonly (number | null)[];
  /** Name of a custom property of the style sheet: "--realised". */
  readonly colour: string;
  readonly width: number;
  readonly dash?: readonly number[];
  readonly points?: boolean;
  readonly stepped?: boolean;
}

export interface PlotBand {
  readonly lower: readonly (number | null)[];
  readonly upper: readonly (number | null)[];
  readonly colour: string;
}

export interface PlotShape {
  readonly times: readonly number[];
  readonly span: { readonly fromMs: number; readonly toMs: number };
  readonly bands: readonly PlotBand[];
  readonly lines: readonly PlotLine[];
  /** Stretches that are drawn grey. */
  readonly shaded?: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly level?: number | null;
  readonly moments?: readonly number[];
  readonly formatY: (value: number) => string;
  /** Y begins at 0. */
  readonly fromZero?: boolean;
  /** Y reaches this at least: a share of 0 must not fill the chart. */
  readonly reaches?: number | undefined;
}

export function Plot(props: {
  readonly shape: PlotShape;
  readonly height: number;
  readonly label: string;
  /** Charts with the same key move their cursors together. */
  readonly group: string;
  readonly onCursor: (index: number | null) => void;
}) {
  const { shape, height, label, group } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const told = useRef(props.onCursor);
  told.current = props.onCursor;
  useEffect(() => {
    const node = place.current;
    if (node === null) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      const width = node.clientWidth;
      plot.current = createPlot(node, { shape, width, height, group }, (at) => told.current(at));
    };
    draw();
    const stopTheme = onTheme(draw);
    const resized = new ResizeObserver(() => {
      if (plot.current?.width !== node.clientWidth) {
        plot.current?.setSize({ width: node.clientWidth, height });
      }
    });
    resized.observe(node);
    return () => {
      stopTheme();
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, height, group]);
  return (
    <div
      ref={place}
      class="plot"
      style={{ height: `${height}px` }}
      tabIndex={0}
      role="group"
      aria-label={`${label}. Arrow keys move through it.`}
      onKeyDown={(event) => {
        if (plot.current !== null && moveCursor(plot.current, event.key)) event.preventDefault();
      }}
    />
  );
}

function moveCursor(plot: uPlot, key: string): boolean {
  const times = plot.data[0];
  const last = times.length - 1;
  const now = plot.cursor.idx ?? null;
  const moves: Readonly<Record<string, number>> = {
    ArrowLeft: now === null ? last : Math.max(0, now - 1),
    ArrowRight: now === null ? 0 : Math.min(last, now + 1),
    Home: 0,
    End: last,
  };
  const to = moves[key];
  const time = to === undefined ? undefined : times[to];
  if (time === undefined) return false;
  plot.setCursor({ left: plot.valToPos(time, "x"), top: plot.bbox.height / 2 / devicePixelRatio });
  return true;
}

function createPlot(
  node: HTMLElement,
  given: {
    readonly shape: PlotShape;
    readonly width: number;
    readonly height: number;
    readonly group: string;
  },
  onCursor: (index: number | null) => void,
): uPlot {
  const { shape, width, height, group } = given;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const columns = [
    ...shape.bands.flatMap(({ lower, upper }) => [lower, upper]),
    ...shape.lines.map(({ values }) => values),
  ];
  const data = [shape.times, ...columns] as unknown as uPlot.AlignedData;
  const options: uPlot.Options = {
    width,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    padding: [8, MARGIN, 0, 0],
    scales: {
      x: { time: true, range: () => [shape.span.fromMs / 1000, shape.span.toMs / 1000] },
      y: { range: (_plot, low, high) => rangeY(low, high, shape) },
    },
    cursor: {
      y: false,
      points: { size: 7 },
      drag: { x: false, y: false },
      sync: { key: group, setSeries: false },
    },
    axes: axesOf(shape, colour),
    series: [{}, ...bandSeries(shape, colour), ...lineSeries(shape, colour)],
    bands: shape.bands.map(({ colour: name }, i) => ({
      series: [2 * i + 2, 2 * i + 1],
      fill: colour(name),
    })),
    hooks: {
      drawClear: [(plot) => drawBehind(plot, shape, colour)],
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
    },
  };
  return new uPlot(options, data, node);
}

function rangeY(low: number | null, high: number | null, shape: PlotShape): uPlot.Range.MinMax {
  const ends = [low, high, shape.level ?? null, shape.fromZero === true ? 0 : null, shape.reaches];
  const known = ends.filter((end): end is number => end != null && Number.isFinite(end));
  if (known.length === 0) return [0, 1];
  const [from, to] = [Math.min(...known), Math.max(...known)];
  const air = (to - from || Math.abs(to) || 1) * 0.08;
  return [shape.fromZero === true ? from : from - air, to + air];
}

type Colour = (name: string) => string;

function axesOf(shape: PlotShape, colour: Colour): uPlot.Axis[] {
  const shared = {
    stroke: colour("--muted"),
    font: `11px ${colour("--font")}`,
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
  };
  return [
    { ...shared, size: 26, gap: 4, space: 64, values: (_plot, splits) => timeLabels(splits) },
    {
      ...shared,
      size: GUTTER,
      gap: 6,
      space: 22,
      values: (_plot, splits) => splits.map((value) => shape.formatY(value)),
    },
  ];
}

function bandSeries(shape: PlotShape, colour: Colour): uPlot.Series[] {
  const edge = (name: string): uPlot.Series => ({
    stroke: colour(name),
    width: 0,
    points: { show: false },
    spanGaps: false,
  });
  return shape.bands.flatMap(({ colour: name }) => [edge(name), edge(name)]);
}

function lineSeries(shape: PlotShape, colour: Colour): uPlot.Series[] {
  return shape.lines.map((line) => ({
    stroke: colour(line.colour),
    width: line.width,
    ...(line.dash === undefined ? {} : { dash: [...line.dash] }),
    ...(line.stepped === true && uPlot.paths.stepped !== undefined
      ? { paths: uPlot.paths.stepped({ align: 1 }) }
      : {}),
    spanGaps: false,
    points: {
      show: line.points === true,
      size: 5,
      stroke: colour(line.colour),
      fill: colour("--surface"),
    },
  }));
}

/** Immature stretches, the level that means something, and moments such as promotions. */
function drawBehind(plot: uPlot, shape: PlotShape, colour: Colour): void {
  const { ctx, bbox } = plot;
  const x = (ms: number): number => plot.valToPos(ms / 1000, "x", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { fromMs, toMs } of shape.shaded ?? []) {
    ctx.fillStyle = colour("--shade");
    ctx.fillRect(x(fromMs), bbox.top, x(toMs) - x(fromMs), bbox.height);
  }
  ctx.lineWidth = devicePixelRatio;
  if (shape.level != null) {
    ctx.strokeStyle = colour("--muted");
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    stroke(ctx, bbox.left, plot.valToPos(shape.level, "y", true), bbox.width, 0);
  }
  ctx.strokeStyle = colour("--moment");
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const ms of shape.moments ?? []) stroke(ctx, x(ms), bbox.top, 0, bbox.height);
  ctx.restore();
}

function stroke(
  ctx: CanvasRenderingContext2D,
  left: number,
  top: number,
  width: number,
  height: number,
): void {
  ctx.beginPath();
  ctx.moveTo(left, top);
  ctx.lineTo(left + width, top + height);
  ctx.stroke();
}

/**
 * The few kinds of panel that the dashboards are made of, looking alike everywhere. A panel cannot be made
 * without title, description, unit and query: what it shows, of what, and what to think of it.
 */
import { PanelBuilder as BarChartBuilder } from "@grafana/grafana-foundation-sdk/barchart";
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
  BarAlignment,
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  type DynamicConfigValue,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { PanelBuilder as TrendBuilder } from "@grafana/grafana-foundation-sdk/trend";
import type { CellLink } from "./links.ts";
import { CHOSEN, query } from "./query.ts";

export interface PanelSpec {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  /** Width in 24ths of the page, and height in steps of 30 pixels. */
  readonly size: readonly [width: number, height: number];
  /** One statement or several; the first is query A. */
  readonly sql: string | readonly string[];
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  /** Colours from a value on; the first holds from below. */
  readonly thresholds?: readonly Threshold[];
  /** What an empty result means. */
  readonly nothing?: string;
  readonly overrides?: Readonly<Record<string, readonly DynamicConfigValue[]>>;
  /** By the letter of the query, where names of the curves are not known beforehand. */
  readonly overridesByQuery?: Readonly<Record<string, readonly DynamicConfigValue[]>>;
}

interface AnyPanel {
  title(title: string): this;
  description(text: string): this;
  unit(unit: string): this;
  datasource(datasource: { type: string; uid: string }): this;
  targets(targets: Builder<Dataquery>[]): this;
  span(width: number): this;
  height(height: number): this;
  decimals(decimals: number): this;
  min(min: number): this;
  max(max: number): this;
  noValue(text: string): this;
  thresholds(thresholds: ThresholdsConfigBuilder): this;
  overrideByName(name: string, properties: DynamicConfigValue[]): this;
  overrideByQuery(refId: string, properties: DynamicConfigValue[]): this;
  overrideByRegexp(regexp: string, properties: DynamicConfigValue[]): this;
}

const refIdOf = (i: number): string => "ABCDEF".charAt(i);

function prepared<P extends AnyPanel>(panel: P, spec: PanelSpec, shape: "timeSeries" | "table"): P {
  const statements = typeof spec.sql === "string" ? [spec.sql] : spec.sql;
  panel
    .title(spec.title)
    .description(spec.description)
    .unit(spec.unit)
    .datasource(CHOSEN)
    .targets(statements.map((sql, i) => query(refIdOf(i), shape, sql)))
    .span(spec.size[0])
    .height(spec.size[1])
    .noValue(spec.nothing ?? "no data")
    // Else what an empty panel says would stand in each empty cell and tooltip.
    .overrideByRegexp("/.*/", [{ id: "noValue", value: "–" }])
    .thresholds(
      new ThresholdsConfigBuilder()
        .mode(ThresholdsMode.Absolute)
        .steps([...(spec.thresholds ?? [{ value: null, color: "green" }])]),
    );
  if (spec.decimals !== undefined) panel.decimals(spec.decimals);
  if (spec.min !== undefined) panel.min(spec.min);
  if (spec.max !== undefined) panel.max(spec.max);
  for (const [name, properties] of Object.entries(spec.overrides ?? {})) {
    panel.overrideByName(name, [...properties]);
  }
  for (const [refId, properties] of Object.entries(spec.overridesByQuery ?? {})) {
    panel.overrideByQuery(refId, [...properties]);
  }
  return panel;
}

const legend = (): VizLegendOptionsBuilder =>
  new VizLegendOptionsBuilder()
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .showLegend(true)
    .calcs([]);

const tooltip = (): VizTooltipOptionsBuilder =>
  new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending);

export interface CurveSpec extends PanelSpec {
  readonly draw?: "lines" | "stacked-bars" | "points";
  /** Shortest interval, which may be a variable. */
  readonly interval?: string;
  /** Paints where the thresholds are. */
  readonly showThresholds?: boolean;
  /** The column of texts that names the curves, by statement; without one they are named as their columns are. */
  readonly label?: string | readonly (string | undefined)[];
  /** Where the axis ends unless values go beyond: a flat zero would be drawn on an axis up to 10000 %. */
  readonly softMax?: number;
}

/** Curves over time. */
export function curves(spec: CurveSpec): TimeSeriesBuilder {
  const draw = spec.draw ?? "lines";
  const panel = prepared(new TimeSeriesBuilder(), spec, "timeSeries")
    .legend(legend())
    .tooltip(tooltip())
    .drawStyle(draw === "stacked-bars" ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .lineInterpolation(LineInterpolation.Linear)
    .lineWidth(draw === "stacked-bars" ? 0 : 2)
    .fillOpacity(draw === "stacked-bars" ? 80 : 0)
    .showPoints(draw === "points" ? VisibilityMode.Always : VisibilityMode.Auto)
    .pointSize(draw === "points" ? 6 : 4)
    .spanNulls(draw === "points");
  if (draw === "stacked-bars") {
    // A bucket is named by its start: the bar stands over the bucket.
    panel
      .barAlignment(BarAlignment.After)
      .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group("A"));
  }
  if (spec.interval !== undefined) panel.interval(spec.interval);
  if (spec.softMax !== undefined) panel.axisSoftMax(spec.softMax);
  nameCurves(panel, spec);
  if (spec.showThresholds === true) {
    panel.thresholdsStyle(
      new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed),
    );
  }
  return panel;
}

/** Grafana would write the letter of the query and the name of the column before the name of each curve. */
function nameCurves(panel: AnyPanel, spec: CurveSpec): void {
  const labels = typeof spec.label === "string" ? [spec.label] : (spec.label ?? []);
  for (const [i, label] of labels.entries()) {
    if (label === undefined) continue;
    const value = `\${__field.labels.${label}}`;
    panel.overrideByQuery(refIdOf(i), [{ id: "displayName", value }]);
  }
  if (typeof spec.sql === "string") return;
  for (const name of Object.keys(spec.overrides ?? {})) {
    panel.overrideByName(name, [{ id: "displayName", value: name }]);
  }
}

/** Curves over a number that is not time, `x`. */
export function curvesOver(x: string, spec: PanelSpec): TrendBuilder {
  return prepared(new TrendBuilder(), spec, "table")
    .xField(x)
    .legend(legend())
    .tooltip(tooltip())
    .drawStyle(GraphDrawStyle.Line)
    .lineInterpolation(LineInterpolation.StepAfter)
    .lineWidth(2)
    .showPoints(VisibilityMode.Never);
}

/** Bars by name, the column `x`. */
export function bars(x: string, spec: PanelSpec): BarChartBuilder {
  return prepared(new BarChartBuilder(), spec, "table")
    .xField(x)
    .legend(legend())
    .tooltip(tooltip())
    .showValue(VisibilityMode.Never)
    .xTickLabelRotation(-45)
    .groupWidth(0.8)
    .barWidth(0.95)
    .fillOpacity(70)
    .lineWidth(0);
}

/** One number, coloured by the thresholds. */
export function figure(spec: PanelSpec): StatBuilder {
  return prepared(new StatBuilder(), spec, "table")
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(
      new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false).fields("/.*/"),
    );
}

export interface ListSpec extends PanelSpec {
  readonly links?: Readonly<Record<string, readonly CellLink[]>>;
  /** Columns whose words have colours of their own. */
  readonly words?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly units?: Readonly<Record<string, string>>;
  /** Digits after the point, where they are others than the panel's. */
  readonly digits?: Readonly<Record<string, number>>;
  /** In pixels; columns without one share what is left. */
  readonly widths?: Readonly<Record<string, number>>;
}

const COLUMN_WIDTH_MIN = 60;
const TIME_WIDTH = 145;

/** A table. Times are to the minute; an empty cell says so in short, and an empty table what that means. */
export function list(spec: ListSpec): TableBuilder {
  const panel = prepared(new TableBuilder(), spec, "table")
    .showHeader(true)
    .minWidth(COLUMN_WIDTH_MIN)
    .overrideByFieldType("time", [
      { id: "unit", value: "time:YYYY-MM-DD HH:mm" },
      { id: "custom.width", value: TIME_WIDTH },
    ]);
  const properties = new Map<string, DynamicConfigValue[]>();
  const add = (column: string, ...values: DynamicConfigValue[]): void => {
    properties.set(column, [...(properties.get(column) ?? []), ...values]);
  };
  for (const [column, unit] of Object.entries(spec.units ?? {}))
    add(column, { id: "unit", value: unit });
  for (const [column, digits] of Object.entries(spec.digits ?? {}))
    add(column, { id: "decimals", value: digits });
  for (const [column, width] of Object.entries(spec.widths ?? {})) {
    add(column, { id: "custom.width", value: width });
  }
  for (const [column, links] of Object.entries(spec.links ?? {})) {
    add(column, { id: "links", value: links.map((link) => ({ targetBlank: false, ...link })) });
  }
  for (const [column, words] of Object.entries(spec.words ?? {})) {
    const options = Object.entries(words).map(([word, color], index) => [word, { color, index }]);
    add(
      column,
      { id: "custom.cellOptions", value: { type: "color-text" } },
      { id: "mappings", value: [{ type: "value", options: Object.fromEntries(options) }] },
    );
  }
  for (const [column, values] of properties) panel.overrideByName(column, values);
  return panel;
}

/** Properties of a curve that others are compared with: thin, dashed and grey, behind them. */
export const REFERENCE_LOOK: readonly DynamicConfigValue[] = [
  { id: "color", value: { mode: "fixed", fixedColor: "#8e8e8e" } },
  { id: "custom.lineStyle", value: { fill: "dash", dash: [6, 6] } },
  { id: "custom.lineWidth", value: 1 },
  { id: "custom.showPoints", value: "never" },
  { id: "custom.spanNulls", value: true },
];

/** Properties of the distribution that another one is drawn over. */
export const BEHIND_LOOK: readonly DynamicConfigValue[] = [
  { id: "color", value: { mode: "fixed", fixedColor: "#8e8e8e" } },
  { id: "custom.fillOpacity", value: 35 },
  { id: "custom.lineWidth", value: 0 },
];

/** Overrides that draw the interval [lower, upper] as a band around a curve. */
export function band(
  lower: string,
  upper: string,
  color: string,
): Record<string, readonly DynamicConfigValue[]> {
  const edge: readonly DynamicConfigValue[] = [
    { id: "color", value: { mode: "fixed", fixedColor: color } },
    { id: "custom.lineWidth", value: 0 },
    { id: "custom.showPoints", value: "never" },
    { id: "custom.hideFrom", value: { legend: true, tooltip: false, viz: false } },
  ];
  return {
    [lower]: edge,
    [upper]: [
      ...edge,
      { id: "custom.fillBelowTo", value: lower },
      { id: "custom.fillOpacity", value: 15 },
    ],
  };
}

export const colored = (color: string): readonly DynamicConfigValue[] => [
  { id: "color", value: { mode: "fixed", fixedColor: color } },
];

/** Words of our tables, with the colour that they have everywhere. */
export const WORDS = {
  severity: { page: "red", ticket: "orange", info: "blue" },
  state: { firing: "red", pending: "orange", resolved: "green" },
  verdict: { drift: "red", none: "green", insufficient: "#8e8e8e" },
  decision: { RETRAIN: "blue", RECALIBRATE: "purple", WAIT: "green", INVESTIGATE: "red" },
  step: {
    promoted: "green",
    rejected: "orange",
    failed: "red",
    rolled_back: "red",
    canary: "blue",
  },
  status: { serving: "green", canary: "blue", staged: "blue", retired: "#8e8e8e" },
} as const;

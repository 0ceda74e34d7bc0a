/**
 * What the plugin's backend makes of a statement's macros, from its documentation and its table of macros
 * (4.8.2 to 4.20 agree on these). Names are expanded only where they stand whole, as `$__timeFilter` in
 * `$__timeFilter_ms` does not.
 */

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the panel: what the width of the time range and its points make of it. */
  readonly intervalMs: number;
}

const seconds = (ms: number): string => `toDateTime(${Math.floor(ms / 1000)})`;
const millis = (ms: number): string => `fromUnixTimestamp64Milli(${ms})`;
const day = (ms: number): string => `toDate('${new Date(ms).toISOString().slice(0, 10)}')`;
const whole = (ms: number): number => Math.max(1, Math.floor(ms / 1000));

const MACROS: Readonly<Record<string, (span: Span, column: string) => string>> = {
  fromTime: ({ fromMs }) => seconds(fromMs),
  toTime: ({ toMs }) => seconds(toMs),
  fromTime_ms: ({ fromMs }) => millis(fromMs),
  toTime_ms: ({ toMs }) => millis(toMs),
  timeFilter: ({ fromMs, toMs }, column) =>
    `${column} >= ${seconds(fromMs)} AND ${column} <= ${seconds(toMs)}`,
  timeFilter_ms: ({ fromMs, toMs }, column) =>
    `${column} >= ${millis(fromMs)} AND ${column} <= ${millis(toMs)}`,
  dateFilter: ({ fromMs, toMs }, column) =>
    `${column} >= ${day(fromMs)} AND ${column} <= ${day(toMs)}`,
  timeInterval: ({ intervalMs }, column) =>
    `toStartOfInterval(toDateTime(${column}), INTERVAL ${whole(intervalMs)} second)`,
  timeInterval_ms: ({ intervalMs }, column) =>
    `toStartOfInterval(toDateTime64(${column}, 3), INTERVAL ${Math.max(1, intervalMs)} millisecond)`,
  interval_s: ({ intervalMs }) => String(whole(intervalMs)),
};

const TAKES_COLUMN = /^(?:timeFilter|timeFilter_ms|dateFilter|timeInterval|timeInterval_ms)$/;

/** @throws {Error} for a macro that the plugin does not know, and for one without the column that it wants */
export function expandMacros(sql: string, span: Span): string {
  return sql.replaceAll(
    /\$__(\w+)(\(([^()]*)\))?/g,
    (text: string, name: string, list?: string, column?: string) => {
      const macro = MACROS[name];
      if (macro === undefined) throw new Error(`The plugin has no macro ${text}`);
      if (!TAKES_COLUMN.test(name)) return macro(span, "") + (list ?? "");
      if (column === undefined || column === "") throw new Error(`${text} wants a column`);
      return macro(span, column);
    },
  );
}

const STEPS_S = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200,
  86_400, 604_800, 2_592_000, 31_536_000,
];

/** About as Grafana rounds the interval of a panel of some width; never below the panel's own minimum. */
export function intervalMs(
  span: { fromMs: number; toMs: number },
  minimumMs: number,
  points = 600,
): number {
  const wanted = Math.max((span.toMs - span.fromMs) / points, minimumMs);
  const step = STEPS_S.find((candidate) => candidate * 1000 >= wanted) ?? STEPS_S.at(-1) ?? 1;
  return Math.max(step * 1000, minimumMs);
}

export function grainMs(grain: string): number {
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000, s: 1_000 }[grain.slice(-1)];
  if (unit === undefined) throw new Error(`No interval is written "${grain}"`);
  return Number(grain.slice(0, -1)) * unit;
}

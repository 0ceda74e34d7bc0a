/**
 * Every statement of the dashboards as it would be sent for some choice of variables and time range. Variables
 * are resolved in their order by asking, as Grafana does when a dashboard is opened.
 */
import { type Frame, type Reader, askReader } from "./ask-reader.ts";
import { type Span, expandMacros, grainMs, intervalMs } from "./expand-macros.ts";
import { type Choice, type Choices, expandVariables } from "./expand-variables.ts";
import { type Dashboard, type Panel, committedDashboards } from "./statements.ts";

export interface Asked {
  readonly dashboard: string;
  readonly what: "panel" | "annotation" | "variable";
  /** Title of the panel and the query's letter, or the name. */
  readonly name: string;
  readonly panel: Panel | undefined;
  /** The plugin's number: 0 is a time series. */
  readonly format: number;
  readonly sql: string;
}

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

const WIDTH_POINTS = 600;

function spanOf(range: Range, interval: string | undefined, choices: Choices): Span {
  const minimum = interval === undefined ? "1s" : expandVariables(interval, choices);
  return { ...range, intervalMs: intervalMs(range, grainMs(minimum), WIDTH_POINTS) };
}

/**
 * @param wanted choices that differ from those of a dashboard just opened
 * @param see told of each variable's list
 */
export async function choicesOf(
  dashboard: Dashboard,
  range: Range,
  reader: Reader,
  wanted: Choices = {},
  see: (asked: Asked, frame: Frame) => void = () => undefined,
): Promise<Choices> {
  const choices: Record<string, Choice> = {};
  for (const variable of dashboard.templating.list) {
    const { name, query } = variable;
    const current = variable.current?.value ?? "";
    const opened = Array.isArray(current) ? (current[0] ?? "") : current;
    if (typeof query === "string") {
      choices[name] = wanted[name] ?? { kind: "one", value: opened };
      continue;
    }
    const sql = expandMacros(
      expandVariables(query.rawSql, choices),
      spanOf(range, undefined, choices),
    );
    const frame = await askReader(reader, sql);
    see(
      {
        dashboard: dashboard.title,
        what: "variable",
        name,
        panel: undefined,
        format: query.format,
        sql,
      },
      frame,
    );
    const options = frame.rows.map(([value]) => String(value));
    if (wanted[name] !== undefined) choices[name] = wanted[name];
    else if (opened === "$__all") choices[name] = { kind: "all", options };
    else
      choices[name] = {
        kind: "one",
        value: options.includes(opened) ? opened : (options[0] ?? ""),
      };
  }
  return choices;
}

/** Panels and annotations, ready to be sent. */
export function statementsOf(dashboard: Dashboard, range: Range, choices: Choices): Asked[] {
  const expand = (sql: string, interval: string | undefined): string =>
    expandMacros(expandVariables(sql, choices), spanOf(range, interval, choices));
  const panels = dashboard.panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ refId, rawSql, format }) => ({
      dashboard: dashboard.title,
      what: "panel" as const,
      name: `${panel.title} (${refId})`,
      panel,
      format,
      sql: expand(rawSql, panel.interval),
    })),
  );
  const marks = (dashboard.annotations.list ?? []).map(({ name, target }) => ({
    dashboard: dashboard.title,
    what: "annotation" as const,
    name,
    panel: undefined,
    format: target.format,
    sql: expand(target.rawSql, undefined),
  }));
  return [...panels, ...marks];
}

export function dashboardCalled(uid: string): Dashboard {
  const found = committedDashboards().find((dashboard) => dashboard.uid === uid);
  if (found === undefined) throw new Error(`There is no dashboard ${uid}`);
  return found;
}

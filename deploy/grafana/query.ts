/**
 * A query of the ClickHouse datasource (plugin grafana-clickhouse-datasource), which the foundation SDK has
 * no module for. Only what a provisioned panel needs: the statement, and the shape of its result.
 */
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";

export const PLUGIN = "grafana-clickhouse-datasource";
/** The oldest version of the plugin whose macros and settings these files keep to. */
export const PLUGIN_VERSION = "4.8.2";

/** The plugin's numbers: of a time series, string columns become labels, so rows must ascend in time. */
export const FORMAT = { timeSeries: 0, table: 1 } as const;

export interface Reference {
  readonly type: string;
  readonly uid: string;
}

/** In dashboards: whatever the reader chose above them, since a file may be imported anywhere. */
export const CHOSEN: Reference = { type: PLUGIN, uid: `\${datasource}` };
/** In provisioned files: the datasource that is provisioned beside them. */
export const PROVISIONED: Reference = { type: PLUGIN, uid: "driftmend-clickhouse" };

export interface ClickHouseQuery extends Dataquery {
  readonly refId: string;
  readonly datasource: Reference;
  readonly pluginVersion: string;
  readonly editorType: "sql";
  readonly queryType: "table" | "timeseries";
  readonly format: number;
  readonly rawSql: string;
}

export function query(
  refId: string,
  shape: keyof typeof FORMAT,
  sql: string,
  datasource = CHOSEN,
): Builder<Dataquery> & { build(): ClickHouseQuery } {
  return {
    build: () => ({
      refId,
      datasource,
      pluginVersion: PLUGIN_VERSION,
      editorType: "sql",
      queryType: shape === "table" ? "table" : "timeseries",
      format: FORMAT[shape],
      rawSql: dedent(sql),
      _implementsDataqueryVariant: () => undefined,
    }),
  };
}

/** Statements are read in Grafana's editor too: without the indentation that they have here. */
export function dedent(sql: string): string {
  const lines = sql.replace(/^\n/, "").trimEnd().split("\n");
  const indents = lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const least = Math.min(...indents);
  return lines.map((line) => line.slice(least)).join("\n");
}

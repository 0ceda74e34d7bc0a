/** What a reader chooses above a dashboard. Values come from rollups and registries, never from raw rows. */
import {
  CustomVariableBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { ALL_ROWS, THIS_MODEL } from "./conditions.ts";
import { CHOSEN, PLUGIN, PROVISIONED, dedent, query } from "./query.ts";

/** Lists are cut: nobody reads more, and a fleet's list must not load for minutes. */
const LIST_MAX = 1_000;
/** Where the page of `driftmend up` answers by itself. */
const PAGE_URL = "http://127.0.0.1:7400";

export function datasourceVariable(): DatasourceVariableBuilder {
  return new DatasourceVariableBuilder("datasource")
    .label("Datasource")
    .description("A ClickHouse datasource whose default database is Driftmend's")
    .type(PLUGIN)
    .current({ selected: true, text: "Driftmend", value: PROVISIONED.uid });
}

export function pageVariable(): TextBoxVariableBuilder {
  return new TextBoxVariableBuilder("page")
    .label("Page")
    .description("Address of Driftmend's page, to which links go")
    .defaultValue(PAGE_URL)
    .current({ selected: true, text: PAGE_URL, value: PAGE_URL })
    .options([{ selected: true, text: PAGE_URL, value: PAGE_URL }]);
}

function listVariable(name: string, label: string, about: string, sql: string) {
  const { _implementsDataqueryVariant: _, ...asked } = query("List", "table", sql).build();
  return new QueryVariableBuilder(name)
    .label(label)
    .description(about)
    .datasource(CHOSEN)
    .query(asked)
    .definition(dedent(sql))
    .refresh(VariableRefresh.OnDashboardLoad);
}

const MODELS = `
  SELECT model FROM (
    SELECT model FROM models FINAL WHERE status = 'active'
    UNION DISTINCT
    SELECT DISTINCT model FROM model_days WHERE segment_tag = ''
  ) ORDER BY model LIMIT ${LIST_MAX}`;

export function modelVariable(): QueryVariableBuilder {
  return listVariable("model", "Model", "Models with traffic or with a document", MODELS);
}

export function modelsVariable(): QueryVariableBuilder {
  return modelVariable()
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: ["All"], value: ["$__all"] });
}

export function versionsVariable(): QueryVariableBuilder {
  return listVariable(
    "version",
    "Version",
    "Versions of the model that answered requests",
    `
    SELECT DISTINCT toString(version) AS version FROM model_days
    WHERE ${THIS_MODEL} AND segment_tag = '' ORDER BY version LIMIT ${LIST_MAX}`,
  )
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: ["All"], value: ["$__all"] })
    .sort(VariableSort.NaturalDesc);
}

export function segmentVariable(): QueryVariableBuilder {
  return listVariable(
    "segment",
    "Segment",
    "Rows with a value of a declared tag",
    `
    SELECT name FROM (
      SELECT '${ALL_ROWS}' AS name, 0 AS rank, 0 AS place
      UNION ALL
      SELECT concat(tag, ' = ', value) AS name, 1 AS rank, min(n) AS place
      FROM segment_values WHERE ${THIS_MODEL} GROUP BY tag, value
    ) ORDER BY rank, name LIMIT ${LIST_MAX}`,
  ).current({ selected: true, text: ALL_ROWS, value: ALL_ROWS });
}

export function featureVariable(): QueryVariableBuilder {
  return listVariable(
    "feature",
    "Feature",
    "Input whose distribution is shown",
    `
    SELECT DISTINCT toString(feature) AS feature FROM feature_grids FINAL
    WHERE ${THIS_MODEL} ORDER BY feature LIMIT ${LIST_MAX}`,
  );
}

export function metricVariable(): QueryVariableBuilder {
  return listVariable(
    "metric",
    "Metric",
    "Metric of the predictions' quality; the model's primary one comes first",
    `
    SELECT metric FROM (
      SELECT DISTINCT toString(metric) AS metric FROM performance_results
      WHERE ${THIS_MODEL} AND segment_tag = '' AND version = '' AND metric != 'coverage'
    ) ORDER BY metric != (
      SELECT any(JSONExtractString(document, 'quality', 'primary')) FROM models FINAL WHERE ${THIS_MODEL}
    ), metric LIMIT ${LIST_MAX}`,
  );
}

interface Choice {
  readonly text: string;
  readonly value: string;
}

function choice(name: string, label: string, about: string, choices: readonly Choice[]) {
  const options = choices.map(({ text, value }, i) => ({ selected: i === 0, text, value }));
  return new CustomVariableBuilder(name)
    .label(label)
    .description(about)
    .values(choices.map(({ text, value }) => `${text} : ${value}`).join(", "))
    .options(options)
    .current(options[0] ?? { selected: true, text: "", value: "" });
}

const GRAINS = [
  { text: "minutes", value: "1m" },
  { text: "hours", value: "1h" },
  { text: "days", value: "1d" },
] as const;

/**
 * The tier of the rollups, and the shortest interval of the panels.
 * @param first what a dashboard opens with
 */
export function grainVariable(first: (typeof GRAINS)[number]["value"]): CustomVariableBuilder {
  return choice(
    "grain",
    "Grain",
    "Rollups that are read. Minutes are kept for 14 days; features have none where the model rolls up by the hour",
    GRAINS.toSorted((a, b) => Number(b.value === first) - Number(a.value === first)),
  );
}

/** How long the windows are whose verdicts are shown, in days. */
export function windowVariable(): CustomVariableBuilder {
  return choice(
    "window",
    "Windows",
    "Length of the windows whose figures are shown; longer ones are surer and slower",
    [
      { text: "a week", value: "7" },
      { text: "a day", value: "1" },
      { text: "two weeks", value: "14" },
    ],
  );
}

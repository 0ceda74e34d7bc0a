/** Where a reader goes from here: the other dashboards, with what was chosen and the time range, and the page. */
import { DashboardLinkBuilder, DashboardLinkType } from "@grafana/grafana-foundation-sdk/dashboard";

export const UIDS = {
  fleet: "driftmend-fleet",
  drift: "driftmend-drift",
  service: "driftmend-service",
  pipeline: "driftmend-pipeline",
} as const;

export type DashboardName = keyof typeof UIDS;

const TITLES: Readonly<Record<DashboardName, string>> = {
  fleet: "Fleet",
  drift: "Drift and quality",
  service: "Errors and service",
  pipeline: "Pipeline health",
};

/** Addresses of the page, by what they show. */
export const PAGE = {
  fleet: `\${page}/`,
  model: (name: string) => `\${page}/models/${name}`,
  alert: (id: string) => `\${page}/alerts/${id}`,
  run: (id: string) => `\${page}/runs/${id}`,
};

/** Links in the corner of a dashboard: to the other three, then to the page. */
export function cornerLinks(own: DashboardName, page: string): DashboardLinkBuilder[] {
  const others = (Object.keys(UIDS) as DashboardName[]).filter((name) => name !== own);
  return [
    ...others.map((name) =>
      new DashboardLinkBuilder(TITLES[name])
        .type(DashboardLinkType.Link)
        .icon("dashboard")
        .url(`/d/${UIDS[name]}`)
        .tooltip("The same model and time range there")
        .includeVars(true)
        .keepTime(true),
    ),
    new DashboardLinkBuilder("Driftmend")
      .type(DashboardLinkType.Link)
      .icon("external link")
      .url(page)
      .tooltip("Driftmend's own page, where things are acknowledged, silenced and approved")
      .targetBlank(true),
  ];
}

export interface CellLink {
  readonly title: string;
  readonly url: string;
  readonly targetBlank?: boolean;
}

/** From the name of a model in a table to its dashboards and its page. */
export const MODEL_LINKS: readonly CellLink[] = [
  { title: "Drift and quality", url: dashboardOfModel("drift") },
  { title: "Errors and service", url: dashboardOfModel("service") },
  {
    title: "On the page",
    url: PAGE.model(`\${__value.raw:percentencode}`),
    targetBlank: true,
  },
];

export const ALERT_LINKS: readonly CellLink[] = [
  {
    title: "Why, on the page",
    url: PAGE.alert(`\${__value.raw:percentencode}`),
    targetBlank: true,
  },
];

/** The same from a cell of another column of the row: a title says more than an id. */
export const ALERT_TITLE_LINKS: readonly CellLink[] = [
  {
    title: "Why, on the page",
    url: PAGE.alert(`\${__data.fields.id:percentencode}`),
    targetBlank: true,
  },
];

export const RUN_LINKS: readonly CellLink[] = [
  {
    title: "The run, on the page",
    url: PAGE.run(`\${__value.raw:percentencode}`),
    targetBlank: true,
  },
];

function dashboardOfModel(name: DashboardName): string {
  return `/d/${UIDS[name]}?var-datasource=\${datasource}&var-page=\${page:percentencode}&var-model=\${__value.raw:percentencode}&\${__url_time_range}`;
}

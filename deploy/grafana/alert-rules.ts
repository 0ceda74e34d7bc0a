/**
 * Rules and contact points for those who alert in Grafana (file provisioning of unified alerting). Driftmend's own
 * verdicts come first: they are statistics that a threshold in Grafana could only do worse, so the rules pass
 * on what its table of alerts says. The others watch that Driftmend itself is at work.
 *
 * A rule names its receiver: a notification policy would replace the whole tree of the organisation that it
 * is provisioned into.
 */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { FORMAT, PLUGIN_VERSION, PROVISIONED, dedent } from "./query.ts";
import { UIDS, type DashboardName } from "./links.ts";

interface RuleSpec {
  readonly uid: string;
  readonly title: string;
  /** One row a thing that is watched: texts are labels, the one number is compared. */
  readonly sql: string;
  readonly above: number;
  readonly for: string;
  readonly lookBackSeconds: number;
  readonly severity: "page" | "ticket";
  readonly summary: string;
  readonly next: string;
  readonly dashboard: DashboardName;
  /** Title of the panel there that shows what is watched. */
  readonly panel: string;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const NOT_SILENCED = "(isNull(a.silenced_until) OR a.silenced_until < now64(3, 'UTC'))";

const firing = (severity: string): string => `
  SELECT toString(a.model) AS model, a.id AS alert, toString(a.kind) AS kind, 1 AS firing
  FROM alerts AS a FINAL
  WHERE a.state = 'firing' AND a.severity = '${severity}' AND ${NOT_SILENCED}
  ORDER BY model, alert LIMIT 1000`;

export const RULES: readonly RuleSpec[] = [
  {
    uid: "driftmend-page",
    title: "Driftmend pages",
    sql: firing("page"),
    above: 0,
    for: "0s",
    lookBackSeconds: HOUR,
    severity: "page",
    summary: "{{ $labels.kind }} of model {{ $labels.model }}",
    next: "npx driftmend why {{ $labels.alert }}",
    dashboard: "fleet",
    panel: "Alerts",
  },
  {
    uid: "driftmend-ticket",
    title: "Driftmend opens a ticket",
    sql: firing("ticket"),
    above: 0,
    for: "0s",
    lookBackSeconds: HOUR,
    severity: "ticket",
    summary: "{{ $labels.kind }} of model {{ $labels.model }}",
    next: "npx driftmend why {{ $labels.alert }}",
    dashboard: "fleet",
    panel: "Alerts",
  },
  {
    uid: "driftmend-error-share",
    title: "Requests to a model fail",
    sql: `
      SELECT toString(r.model) AS model, sumIf(r.requests, r.error != '') / sum(r.requests) AS failed
      FROM model_rollups AS r
      WHERE grain = '1m' AND segment_tag = '' AND $__timeFilter_ms(r.time)
      GROUP BY model HAVING sum(r.n) >= 200 ORDER BY model LIMIT 1000`,
    above: 0.05,
    for: "10m",
    lookBackSeconds: 30 * MINUTE,
    severity: "page",
    summary: "More than 5 % of the requests to {{ $labels.model }} fail",
    next: "Open the dashboard; then npx driftmend alerts",
    dashboard: "service",
    panel: "Failed requests",
  },
  {
    uid: "driftmend-lag",
    title: "Accepted records wait to be stored",
    sql: `
      SELECT concat('shard ', toString(g.shard)) AS shard,
        quantileExact(0.95)(dateDiff('millisecond', g.accepted, g.formed)) / 1000 AS seconds
      FROM ingest_groups AS g WHERE $__timeFilter_ms(g.formed)
      GROUP BY shard ORDER BY shard LIMIT 1000`,
    above: 60,
    for: "10m",
    lookBackSeconds: 10 * MINUTE,
    severity: "ticket",
    summary: "Records wait more than a minute in {{ $labels.shard }}",
    next: "npx driftmend doctor",
    dashboard: "pipeline",
    panel: "From accepted to stored",
  },
  {
    uid: "driftmend-dead-letters",
    title: "Records are refused",
    sql: `
      SELECT toString(l.reason) AS reason, toFloat64(sum(l.rows)) AS records FROM dead_letters AS l
      WHERE $__timeFilter_ms(l.time) GROUP BY reason ORDER BY reason LIMIT 1000`,
    above: 0,
    for: "0s",
    lookBackSeconds: 15 * MINUTE,
    severity: "ticket",
    summary: "Records are refused: {{ $labels.reason }}",
    next: "npx driftmend dead-letters list",
    dashboard: "pipeline",
    panel: "Dead letters by reason",
  },
  {
    uid: "driftmend-analyzer-behind",
    title: "The analyzer is behind",
    sql: `
      SELECT m.model AS model, toFloat64(dateDiff('second', k.through, m.last)) AS seconds
      FROM (SELECT toString(model) AS model, max(time) AS last FROM model_hours WHERE segment_tag = '' GROUP BY model) AS m
      INNER JOIN (SELECT toString(model) AS model, through FROM analyzer_checkpoints FINAL) AS k ON k.model = m.model
      ORDER BY model LIMIT 1000`,
    above: 2 * 24 * HOUR,
    for: "30m",
    lookBackSeconds: HOUR,
    severity: "ticket",
    summary: "Windows of {{ $labels.model }} are not evaluated",
    next: "npx driftmend status",
    dashboard: "pipeline",
    panel: "Models and how far they are looked at",
  },
];

/** Receivers by severity. Addresses come from Grafana's environment: these files hold no secret. */
const CONTACT_POINTS = [
  {
    orgId: 1,
    name: "driftmend-page",
    receivers: [
      {
        uid: "driftmend-page-webhook",
        type: "webhook",
        settings: { url: "$DRIFTMEND_PAGE_WEBHOOK", httpMethod: "POST" },
        disableResolveMessage: false,
      },
    ],
  },
  {
    orgId: 1,
    name: "driftmend-ticket",
    receivers: [
      {
        uid: "driftmend-ticket-email",
        type: "email",
        settings: { addresses: "$DRIFTMEND_TICKET_EMAIL", singleEmail: true },
        disableResolveMessage: false,
      },
    ],
  },
];

/** The file that Grafana reads from `provisioning/alerting`. */
export function alertingFile(dashboards: Readonly<Record<DashboardName, Dashboard>>): object {
  return {
    apiVersion: 1,
    contactPoints: CONTACT_POINTS,
    groups: [
      {
        orgId: 1,
        name: "driftmend",
        folder: "Driftmend",
        interval: "1m",
        rules: RULES.map((spec) => rule(spec, panelId(dashboards[spec.dashboard], spec.panel))),
      },
    ],
  };
}

function panelId({ panels = [] }: Dashboard, title: string): string {
  const id = panels.find((panel) => panel.title === title)?.id;
  if (id === undefined) throw new Error(`There is no panel "${title}"`);
  return id.toString();
}

function rule(spec: RuleSpec, panel: string): object {
  return {
    uid: spec.uid,
    title: spec.title,
    condition: "B",
    for: spec.for,
    // No row means that nothing is wrong; a datasource that fails must not look like that.
    noDataState: "OK",
    execErrState: "Error",
    labels: { severity: spec.severity, service: "driftmend" },
    // Grafana replaces $NAME by its environment in labels and contact points, but in neither of these.
    annotations: {
      summary: spec.summary,
      next: spec.next,
      // Grafana does not start on one of the two without the other.
      __dashboardUid__: UIDS[spec.dashboard],
      __panelId__: panel,
    },
    notification_settings: {
      receiver: `driftmend-${spec.severity}`,
      // The first two must be there, says Grafana's schema; one that refuses a rule does not start.
      group_by: ["grafana_folder", "alertname", "model"],
    },
    data: [
      {
        refId: "A",
        relativeTimeRange: { from: spec.lookBackSeconds, to: 0 },
        datasourceUid: PROVISIONED.uid,
        model: {
          refId: "A",
          datasource: PROVISIONED,
          pluginVersion: PLUGIN_VERSION,
          editorType: "sql",
          queryType: "table",
          format: FORMAT.table,
          rawSql: dedent(spec.sql),
        },
      },
      {
        refId: "B",
        relativeTimeRange: { from: spec.lookBackSeconds, to: 0 },
        datasourceUid: "__expr__",
        model: {
          refId: "B",
          type: "threshold",
          expression: "A",
          datasource: { type: "__expr__", uid: "__expr__" },
          conditions: [{ type: "query", evaluator: { type: "gt", params: [spec.above] } }],
        },
      },
    ],
  };
}

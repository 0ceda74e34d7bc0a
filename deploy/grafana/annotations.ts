/**
 * Marks across every panel: alerts as spans, and what changed: roll-outs, decisions of runs, changes made
 * elsewhere. A curve that moves is read beside what was done at that hour.
 */
import { AnnotationQueryBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { OVERLAPS_RANGE } from "./conditions.ts";
import { CHOSEN, query } from "./query.ts";

interface Mark {
  readonly name: string;
  readonly color: string;
  readonly sql: string;
}

/**
 * @param models a condition on the column `model`
 * @param alerts a condition on alerts: a span of weeks about labels would hide a minute without traffic
 */
export function annotations(models: string, alerts = "true"): AnnotationQueryBuilder[] {
  return marks(models, alerts).map(({ name, color, sql }) =>
    new AnnotationQueryBuilder()
      .name(name)
      .datasource(CHOSEN)
      .enable(true)
      .iconColor(color)
      .target(query("Anno", "table", sql)),
  );
}

const spans = (models: string, alerts: string): string => `
      SELECT a.\`from\` AS time, ifNull(a.\`to\`, least($__toTime_ms, now64(3, 'UTC'))) AS timeEnd,
        a.title AS title, concat('why ', a.id) AS text,
        concat('alert,', a.severity, ',', a.kind, ',', a.model) AS tags
      FROM alerts AS a FINAL
      WHERE ${models} AND ${alerts} AND a.state != 'pending' AND ${OVERLAPS_RANGE}
      ORDER BY time LIMIT 500`;

/** A version that was adopted has the wall clock's time, which is none of a replayed model's. */
const AT_MODEL_TIME =
  "(v.run_id != '' OR v.model NOT IN (SELECT model FROM model_clocks FINAL WHERE clock != 'wall'))";

const marks = (models: string, alerts: string): readonly Mark[] => [
  { name: "Pages", color: "red", sql: spans(models, `${alerts} AND a.severity = 'page'`) },
  { name: "Tickets", color: "orange", sql: spans(models, `${alerts} AND a.severity != 'page'`) },
  {
    name: "Versions",
    color: "green",
    sql: `
      SELECT v.promoted AS time, concat('version ', v.version, ' serves all requests') AS title,
        if(v.run_id = '', 'adopted', concat('by ', v.run_id)) AS text,
        concat('version,', v.model) AS tags
      FROM model_versions AS v FINAL
      WHERE ${models} AND isNotNull(v.promoted) AND $__timeFilter_ms(v.promoted) AND ${AT_MODEL_TIME}
      ORDER BY time LIMIT 500`,
  },
  {
    name: "Runs",
    color: "blue",
    sql: `
      SELECT u.at AS time, concat(u.decision, ': ', u.step) AS title,
        concat(u.id, ': ', u.reason) AS text, concat('run,', u.model) AS tags
      FROM retraining_runs AS u FINAL
      WHERE ${models} AND $__timeFilter_ms(u.at)
      ORDER BY time LIMIT 500`,
  },
  {
    name: "Changes",
    color: "purple",
    sql: `
      SELECT c.time AS time, c.title AS title, concat(c.kind, ' by ', c.by, ' ', c.url) AS text,
        concat('change,', c.kind) AS tags
      FROM changes AS c FINAL
      WHERE (${models} OR model = '') AND $__timeFilter_ms(c.time)
      ORDER BY time LIMIT 500`,
  },
];

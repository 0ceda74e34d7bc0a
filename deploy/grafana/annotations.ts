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

/** @param models a condition on the column `model` */
export function annotations(models: string): AnnotationQueryBuilder[] {
  return marks(models).map(({ name, color, sql }) =>
    new AnnotationQueryBuilder()
      .name(name)
      .datasource(CHOSEN)
      .enable(true)
      .iconColor(color)
      .target(query("Anno", "table", sql)),
  );
}

const marks = (models: string): readonly Mark[] => [
  {
    name: "Alerts",
    color: "red",
    sql: `
      SELECT a.\`from\` AS time, ifNull(a.\`to\`, least($__toTime_ms, now64(3, 'UTC'))) AS timeEnd,
        a.title AS title, concat('why ', a.id) AS text,
        concat('alert,', a.severity, ',', a.kind, ',', a.model) AS tags
      FROM alerts AS a FINAL
      WHERE ${models} AND a.state != 'pending' AND ${OVERLAPS_RANGE}
      ORDER BY time LIMIT 500`,
  },
  {
    name: "Versions",
    color: "green",
    sql: `
      SELECT v.promoted AS time, concat('version ', v.version, ' serves all requests') AS title,
        if(v.run_id = '', 'adopted', concat('by ', v.run_id)) AS text,
        concat('version,', v.model) AS tags
      FROM model_versions AS v FINAL
      WHERE ${models} AND isNotNull(v.promoted) AND $__timeFilter_ms(v.promoted)
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

/** Dashboard 1: every model at a glance. Which one needs me? */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { annotations } from "./annotations.ts";
import {
  BUCKET,
  EVERY_ROW,
  FILLED,
  IN_RANGE,
  OVERLAPS_RANGE,
  THESE_MODELS,
  WINDOW_IN_RANGE,
} from "./conditions.ts";
import { PAGE, dashboard } from "./dashboard.ts";
import { ALERT_LINKS, ALERT_TITLE_LINKS, MODEL_LINKS, RUN_LINKS } from "./links.ts";
import { WORDS, curves, figure, list } from "./panels.ts";
import { grainVariable, modelsVariable } from "./variables.ts";

const MINE = THESE_MODELS;

const figures = [
  figure({
    title: "Models with traffic",
    description: "Models that answered at least one request within the time range.",
    unit: "short",
    size: [4, 4],
    sql: `
      SELECT uniqExact(r.model) AS models FROM model_rollups AS r
      WHERE ${MINE} AND ${EVERY_ROW} AND ${IN_RANGE}`,
  }),
  figure({
    title: "Pages firing",
    description:
      "Alerts that page somebody and fire now, whatever the time range. Zero is the normal state: `npx driftmend alerts` lists them.",
    unit: "short",
    size: [4, 4],
    thresholds: [
      { value: null, color: "green" },
      { value: 1, color: "red" },
    ],
    sql: `
      SELECT count() AS pages FROM alerts AS a FINAL
      WHERE ${MINE} AND a.state = 'firing' AND a.severity = 'page'`,
  }),
  figure({
    title: "Tickets firing",
    description: "Alerts that can wait for office hours and fire now, whatever the time range.",
    unit: "short",
    size: [4, 4],
    thresholds: [
      { value: null, color: "green" },
      { value: 1, color: "orange" },
    ],
    sql: `
      SELECT count() AS tickets FROM alerts AS a FINAL
      WHERE ${MINE} AND a.state = 'firing' AND a.severity = 'ticket'`,
  }),
  figure({
    title: "Requests",
    description: "Predictions asked for within the time range, failed ones among them.",
    unit: "short",
    size: [4, 4],
    sql: `
      SELECT sum(r.requests) AS requests FROM model_rollups AS r
      WHERE ${MINE} AND ${EVERY_ROW} AND ${IN_RANGE}`,
  }),
  figure({
    title: "Failed requests",
    description: "Share of all requests within the time range that ended in an error.",
    unit: "percentunit",
    decimals: 3,
    size: [4, 4],
    thresholds: [
      { value: null, color: "green" },
      { value: 0.01, color: "red" },
    ],
    sql: `
      SELECT sumIf(r.requests, r.error != '') / sum(r.requests) AS failed FROM model_rollups AS r
      WHERE ${MINE} AND ${EVERY_ROW} AND ${IN_RANGE}`,
  }),
  figure({
    title: "Promotions",
    description: "Retrained versions that came to serve all requests within the time range.",
    unit: "short",
    size: [4, 4],
    sql: `
      SELECT count() AS promotions FROM retraining_runs AS u FINAL
      WHERE ${MINE} AND isNotNull(u.promoted) AND $__timeFilter_ms(u.promoted)`,
  }),
];

const models = list({
  title: "Models",
  description:
    "One row a model, the worst first. State is the gravest alert that fires. Loss, calibration (mean prediction less share of positives) and skill are the newest two-week window's; drifted features those of the newest window. Click a model for its dashboards.",
  unit: "short",
  size: [24, 7],
  nothing: "no model has had traffic in this time range",
  links: { model: MODEL_LINKS },
  words: { state: { page: "red", ticket: "orange", info: "blue", ok: "green" } },
  units: {
    "requests/s": "reqps",
    failed: "percentunit",
    labelled: "percentunit",
    skill: "percentunit",
  },
  digits: { failed: 3, labelled: 1, skill: 1, "log-loss": 4, calibration: 3 },
  widths: { "drifted features": 140 },
  sql: `
    SELECT t.model AS model,
      multiIf(a.pages > 0, 'page', a.tickets > 0, 'ticket', a.infos > 0, 'info', 'ok') AS state,
      v.serving AS version, t.requests / greatest(1, dateDiff('second', $__fromTime, $__toTime)) AS "requests/s",
      t.failed AS failed,
      p.log_loss AS "log-loss", p.calibration AS calibration, p.skill AS skill, p.labelled AS labelled,
      d.drifted AS "drifted features", d.looked AS "features",
      t.last AS "last request"
    FROM (
      SELECT r.model AS model, sum(r.requests) AS requests, sumIf(r.requests, r.error != '') / sum(r.requests) AS failed,
        max(r.time) AS last
      FROM model_rollups AS r WHERE ${MINE} AND ${EVERY_ROW} AND ${IN_RANGE} GROUP BY r.model
    ) AS t
    LEFT JOIN (
      SELECT model, countIf(severity = 'page') AS pages, countIf(severity = 'ticket') AS tickets,
        countIf(severity = 'info') AS infos
      FROM alerts FINAL WHERE state = 'firing' GROUP BY model
    ) AS a ON a.model = t.model
    LEFT JOIN (
      SELECT model, argMax(version, registered) AS serving
      FROM model_versions FINAL WHERE status = 'serving' GROUP BY model
    ) AS v ON v.model = t.model
    LEFT JOIN (
      SELECT w.model AS model, argMaxOrNullIf(w.value, w.\`to\`, w.metric = 'log_loss') AS log_loss,
        argMaxOrNullIf(w.value, w.\`to\`, w.metric = 'calibration') AS calibration,
        argMaxOrNullIf(w.value, w.\`to\`, w.metric = 'skill') AS skill,
        argMaxOrNullIf(w.labelled / greatest(w.n, 1), w.\`to\`, w.metric = 'log_loss') AS labelled
      FROM performance_results AS w FINAL
      WHERE w.kind = 'realised' AND ${EVERY_ROW} AND w.version = ''
        AND dateDiff('day', w.\`from\`, w.\`to\`) = 14 AND ${WINDOW_IN_RANGE}
      GROUP BY w.model
    ) AS p ON p.model = t.model
    LEFT JOIN (
      SELECT model, countIf(verdict = 'drift') AS drifted, count() AS looked
      FROM (
        SELECT w.model AS model, w.verdict AS verdict, w.\`to\` = max(w.\`to\`) OVER (PARTITION BY w.model) AS newest
        FROM drift_results AS w FINAL
        WHERE w.kind = 'feature' AND ${EVERY_ROW} AND ${WINDOW_IN_RANGE}
      ) WHERE newest GROUP BY model
    ) AS d ON d.model = t.model
    ORDER BY state = 'ok', state = 'info', state = 'ticket', requests DESC
    LIMIT 1000
    SETTINGS join_use_nulls = 1`,
});

const overTime = [
  curves({
    title: "Requests by model",
    description:
      "Requests a second. A model that falls to zero while others go on is a client or a server that has gone.",
    unit: "reqps",
    size: [12, 8],
    min: 0,
    interval: "$grain",
    label: "model",
    sql: `
      SELECT * FROM (
        SELECT ${BUCKET} AS t, toString(r.model) AS model, sum(r.requests) / $__interval_s AS "requests/s"
        FROM model_rollups AS r
        WHERE ${MINE} AND ${EVERY_ROW} AND ${IN_RANGE}
        GROUP BY t, model ORDER BY model, t ${FILLED}
      ) ORDER BY t, model`,
  }),
  curves({
    title: "Failed requests by model",
    description: "Share of each interval's requests that ended in an error, whatever its type.",
    unit: "percentunit",
    size: [12, 8],
    min: 0,
    softMax: 0.02,
    interval: "$grain",
    label: "model",
    sql: `
      SELECT * FROM (
        SELECT ${BUCKET} AS t, toString(r.model) AS model,
          toNullable(sumIf(r.requests, r.error != '') / sum(r.requests)) AS failed
        FROM model_rollups AS r
        WHERE ${MINE} AND ${EVERY_ROW} AND ${IN_RANGE}
        GROUP BY t, model ORDER BY model, t ${FILLED}
      ) ORDER BY t, model`,
  }),
  curves({
    title: "Skill by model",
    description:
      "1 − log-loss over the entropy of the window's own base rate, by week, from labels: 0 is no better than knowing the base rate, 1 is perfect. Comparable between models, unlike their losses.",
    unit: "percentunit",
    size: [12, 8],
    draw: "points",
    label: "model",
    sql: `
      SELECT w.\`to\` AS t, toString(w.model) AS model, w.value AS skill
      FROM performance_results AS w FINAL
      WHERE ${MINE} AND w.kind = 'realised' AND w.metric = 'skill' AND ${EVERY_ROW} AND w.version = ''
        AND dateDiff('day', w.\`from\`, w.\`to\`) = 7 AND ${WINDOW_IN_RANGE}
      ORDER BY t, model`,
  }),
  curves({
    title: "Drifted features by model",
    description:
      "Share of a model's features that drifted in each window. Drift alone is no reason to retrain: read it beside the skill.",
    unit: "percentunit",
    size: [12, 8],
    min: 0,
    max: 1,
    draw: "points",
    label: "model",
    sql: `
      SELECT w.\`to\` AS t, toString(w.model) AS model,
        countIf(w.verdict = 'drift') / count() AS "drifted"
      FROM drift_results AS w FINAL
      WHERE ${MINE} AND w.kind = 'feature' AND ${EVERY_ROW} AND ${WINDOW_IN_RANGE}
      GROUP BY t, model ORDER BY t, model`,
  }),
];

const happened = [
  list({
    title: "Alerts",
    description:
      "Alerts that were open within the time range, the newest first. Click a title for the whole explanation.",
    unit: "short",
    size: [24, 8],
    nothing: "no alert was open in this time range",
    links: { id: ALERT_LINKS, title: ALERT_TITLE_LINKS, model: MODEL_LINKS },
    words: { severity: WORDS.severity, state: WORDS.state },
    widths: { severity: 90, state: 90, model: 160, cause: 100, id: 210 },
    sql: `
      SELECT a.\`from\` AS "from", a.\`to\` AS "to", a.severity AS severity, a.state AS state, a.model AS model,
        a.title AS title, a.cause AS cause, a.id AS id
      FROM alerts AS a FINAL
      WHERE ${MINE} AND ${OVERLAPS_RANGE} ORDER BY a.\`from\` DESC LIMIT 200`,
  }),
  list({
    title: "Retraining runs",
    description:
      "What the loop did within the time range: why a run began, what the judge said, and what serves now.",
    unit: "short",
    size: [24, 8],
    nothing: "no run began in this time range",
    links: { id: RUN_LINKS, model: MODEL_LINKS },
    words: { step: WORDS.step },
    widths: { model: 160, step: 100, verdict: 90, champion: 90, version: 90, id: 250 },
    sql: `
      SELECT u.at AS at, u.model AS model, u.step AS step, u.verdict AS verdict, u.champion AS champion,
        u.version AS version, u.reason AS reason, u.id AS id
      FROM retraining_runs AS u FINAL
      WHERE ${MINE} AND $__timeFilter_ms(u.at) ORDER BY u.at DESC LIMIT 200`,
  }),
];

export function fleet(): Dashboard {
  return dashboard({
    name: "fleet",
    title: "fleet",
    description: "Every model at a glance: which one needs somebody, and what the loop has done.",
    tags: ["fleet"],
    page: PAGE.fleet,
    from: "now-30d",
    refresh: "1m",
    variables: [modelsVariable(), grainVariable("1h")],
    annotations: annotations(MINE),
    rows: [
      { title: "Now", panels: [...figures, models] },
      { title: "Over time", panels: overTime },
      { title: "What happened", panels: happened },
    ],
  });
}

/** Dashboard 3: does the model answer, how fast, and does the canary as well as the champion? */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { annotations } from "./annotations.ts";
import { HAS_VALUE, LOG_CELL_MIDDLE, quantilesOf } from "./cell-value.ts";
import {
  BUCKET,
  FILLED,
  FILLED_RANGE,
  IN_RANGE,
  OVERLAPS_RANGE,
  SEGMENT_NAME,
  SERVICE_KINDS,
  THESE_VERSIONS,
  THIS_MODEL,
  THIS_SEGMENT,
} from "./conditions.ts";
import { PAGE, dashboard } from "./dashboard.ts";
import { ALERT_LINKS, ALERT_TITLE_LINKS } from "./links.ts";
import { REFERENCE_LOOK, WORDS, colored, curves, figure, list } from "./panels.ts";
import { resources } from "./resources.ts";
import { grainVariable, modelVariable, segmentVariable, versionsVariable } from "./variables.ts";

const CHOSEN_ROWS = `${THIS_MODEL} AND ${THESE_VERSIONS} AND ${THIS_SEGMENT}`;
const LATENCY = `feature = '$latency' AND ${HAS_VALUE}`;
const NO_LATENCY = "none at this grain";
const SUCCEEDED =
  "Latencies are those of successful requests, from cells of the rollups: a cell is at most 1/16 of its value wide.";

/**
 * What the model's document promises as errors: "1%" or a share, null where it promises nothing, twice so
 * that it is a line across the panel.
 */
const PROMISED = `
  SELECT arrayJoin([$__fromTime, $__toTime]) AS t, promised
  FROM (
    SELECT any(JSONExtractString(document, 'service', 'error_rate')) AS said,
      if(endsWith(said, '%'), toFloat64OrNull(trimRight(said, '% ')) / 100, toFloat64OrNull(said)) AS promised
    FROM models FINAL WHERE ${THIS_MODEL}
  ) ORDER BY t`;

const figures = [
  figure({
    title: "Requests in all",
    description:
      "Requests of the chosen versions and segment within the time range, failed ones among them.",
    unit: "short",
    size: [6, 4],
    sql: `
      SELECT sum(r.requests) AS requests FROM model_rollups AS r WHERE ${CHOSEN_ROWS} AND ${IN_RANGE}`,
  }),
  figure({
    title: "Failed in all",
    description: "Share of these requests that ended in an error.",
    unit: "percentunit",
    decimals: 3,
    size: [6, 4],
    thresholds: [
      { value: null, color: "green" },
      { value: 0.01, color: "red" },
    ],
    sql: `
      SELECT sumIf(r.requests, r.error != '') / sum(r.requests) AS failed
      FROM model_rollups AS r WHERE ${CHOSEN_ROWS} AND ${IN_RANGE}`,
  }),
  figure({
    title: "95 % are answered within",
    description: `Latency that 95 % of the requests stay below, over the whole time range. ${SUCCEEDED}`,
    unit: "s",
    decimals: 1,
    size: [6, 4],
    sql: `
      SELECT ${quantilesOf("0.95", LOG_CELL_MIDDLE)}[1] AS p95 FROM (
        SELECT r.cell AS cell, sum(r.n) AS n FROM feature_rollups AS r
        WHERE ${CHOSEN_ROWS} AND ${LATENCY} AND ${IN_RANGE} GROUP BY cell) HAVING count() > 0`,
    nothing: NO_LATENCY,
  }),
  figure({
    title: "Service alerts firing",
    description:
      "Alerts of the kinds error-share, latency, volume, no-traffic and blind-agent that fire now, whatever the time range.",
    unit: "short",
    size: [6, 4],
    thresholds: [
      { value: null, color: "green" },
      { value: 1, color: "red" },
    ],
    sql: `
      SELECT count() AS firing FROM alerts AS a FINAL
      WHERE ${THIS_MODEL} AND a.state = 'firing'
        AND a.kind IN ${SERVICE_KINDS}`,
  }),
];

const whole = [
  curves({
    title: "Requests",
    description:
      "Requests a second, with those of the same hours a week before dashed behind them: a quiet night is no outage, a quiet Tuesday noon is.",
    unit: "reqps",
    size: [12, 8],
    min: 0,
    interval: "$grain",
    overrides: { "a week before": REFERENCE_LOOK, now: colored("blue") },
    sql: [
      `
      SELECT ${BUCKET} AS t, sum(r.requests) / $__interval_s AS now
      FROM model_rollups AS r WHERE ${CHOSEN_ROWS} AND ${IN_RANGE}
      GROUP BY t ORDER BY t ${FILLED}`,
      `
      SELECT $__timeInterval(r.time + INTERVAL 7 DAY) AS t, sum(r.requests) / $__interval_s AS "a week before"
      FROM model_rollups AS r WHERE ${CHOSEN_ROWS} AND grain = \${grain:sqlstring}
        AND r.time >= $__fromTime_ms - INTERVAL 7 DAY AND r.time <= $__toTime_ms - INTERVAL 7 DAY
      GROUP BY t ORDER BY t ${FILLED}`,
    ],
  }),
  curves({
    title: "Failed requests",
    description:
      "Share of each interval's requests that ended in an error; dashed: what the model's document promises. Driftmend judges half-hours against the promise and pages beyond doubt, not at the line.",
    unit: "percentunit",
    size: [12, 8],
    min: 0,
    softMax: 0.02,
    interval: "$grain",
    overrides: { promised: REFERENCE_LOOK, failed: colored("red") },
    sql: [
      `
      SELECT ${BUCKET} AS t, toNullable(sumIf(r.requests, r.error != '') / sum(r.requests)) AS failed
      FROM model_rollups AS r WHERE ${CHOSEN_ROWS} AND ${IN_RANGE}
      GROUP BY t ORDER BY t ${FILLED}`,
      PROMISED,
    ],
  }),
  curves({
    title: "Failed requests by type of error",
    description:
      "Share of each interval's requests that ended in each type of error; the height of the stack is the share of all failures.",
    unit: "percentunit",
    size: [12, 8],
    min: 0,
    interval: "$grain",
    draw: "stacked-bars",
    label: "error",
    nothing: "no request failed in this time range",
    sql: `
      SELECT * FROM (
        SELECT t, error, failed FROM (
          SELECT ${BUCKET} AS t, toString(r.error) AS error,
            sum(r.requests) / sum(sum(r.requests)) OVER (PARTITION BY t) AS failed
          FROM model_rollups AS r WHERE ${CHOSEN_ROWS} AND ${IN_RANGE}
          GROUP BY t, error
        ) WHERE error != '' ORDER BY error, t ${FILLED_RANGE}
      ) WHERE error != '' ORDER BY t, error`,
  }),
  curves({
    title: "Latency",
    description: `What half, 95 % and 99 % of the requests stay below. ${SUCCEEDED} Where the model rolls its features up by the hour, choose hours or days as the grain.`,
    unit: "s",
    size: [12, 8],
    min: 0,
    interval: "$grain",
    overrides: { p50: colored("green"), p95: colored("orange"), p99: colored("red") },
    sql: `
      SELECT t, toNullable(q[1]) AS p50, toNullable(q[2]) AS p95, toNullable(q[3]) AS p99 FROM (
        SELECT t, ${quantilesOf("0.5, 0.95, 0.99", LOG_CELL_MIDDLE)} AS q FROM (
          SELECT ${BUCKET} AS t, r.cell AS cell, sum(r.n) AS n FROM feature_rollups AS r
          WHERE ${CHOSEN_ROWS} AND ${LATENCY} AND ${IN_RANGE} GROUP BY t, cell
        ) GROUP BY t
      ) ORDER BY t ${FILLED}`,
    nothing: `${NO_LATENCY}: choose hours or days`,
  }),
];

const byVersion = [
  list({
    title: "Versions side by side",
    description:
      "The canary beside the champion: what every version that answered within the time range did. A canary with few requests has wide doubts: Driftmend's own verdict is in the run's reason.",
    unit: "short",
    size: [24, 6],
    nothing: "no version answered in this time range",
    words: { status: WORDS.status },
    units: { share: "percentunit", failed: "percentunit", p50: "s", p95: "s", p99: "s" },
    digits: { failed: 3, share: 1 },
    widths: { version: 90, status: 90, run: 250 },
    sql: `
      SELECT m.version AS version, v.status AS status, m.requests AS requests, m.share AS share,
        m.failed AS failed, if(empty(l.q), NULL, l.q[1]) AS p50, if(empty(l.q), NULL, l.q[2]) AS p95,
        if(empty(l.q), NULL, l.q[3]) AS p99,
        m.first AS "first request", m.last AS "last request", v.run AS run
      FROM (
        SELECT toString(r.version) AS version, sum(r.requests) AS requests,
          requests / sum(requests) OVER () AS share, sumIf(r.requests, r.error != '') / requests AS failed,
          min(r.time) AS first, max(r.time) AS last
        FROM model_rollups AS r WHERE ${CHOSEN_ROWS} AND ${IN_RANGE} GROUP BY version
      ) AS m
      LEFT JOIN (
        SELECT version, ${quantilesOf("0.5, 0.95, 0.99", LOG_CELL_MIDDLE)} AS q FROM (
          SELECT toString(r.version) AS version, r.cell AS cell, sum(r.n) AS n FROM feature_rollups AS r
          WHERE ${CHOSEN_ROWS} AND ${LATENCY} AND ${IN_RANGE} GROUP BY version, cell
        ) GROUP BY version
      ) AS l ON l.version = m.version
      LEFT JOIN (
        SELECT toString(version) AS version, toString(status) AS status, run_id AS run
        FROM model_versions FINAL WHERE ${THIS_MODEL}
      ) AS v ON v.version = m.version
      ORDER BY m.last DESC, m.version DESC LIMIT 100`,
  }),
  curves({
    title: "Requests by version",
    description: "Requests a second that each version answered: a roll-out is seen as steps.",
    unit: "reqps",
    size: [8, 8],
    min: 0,
    interval: "$grain",
    draw: "stacked-bars",
    label: "version",
    sql: `
      SELECT ${BUCKET} AS t, concat('version ', r.version) AS version, sum(r.requests) / $__interval_s AS "requests/s"
      FROM model_rollups AS r WHERE ${CHOSEN_ROWS} AND ${IN_RANGE}
      GROUP BY t, version ORDER BY t, version`,
  }),
  curves({
    title: "Failed requests by version",
    description: "Share of each version's requests that ended in an error.",
    unit: "percentunit",
    size: [8, 8],
    min: 0,
    softMax: 0.02,
    interval: "$grain",
    label: "version",
    sql: `
      SELECT * FROM (
        SELECT ${BUCKET} AS t, concat('version ', r.version) AS version,
          toNullable(sumIf(r.requests, r.error != '') / sum(r.requests)) AS failed
        FROM model_rollups AS r WHERE ${CHOSEN_ROWS} AND ${IN_RANGE}
        GROUP BY t, version ORDER BY version, t ${FILLED}
      ) ORDER BY t, version`,
  }),
  curves({
    title: "Latency (p95) by version",
    description: `What 95 % of each version's requests stay below. ${SUCCEEDED}`,
    unit: "s",
    size: [8, 8],
    min: 0,
    interval: "$grain",
    label: "version",
    nothing: `${NO_LATENCY}: choose hours or days`,
    sql: `
      SELECT t, version, ${quantilesOf("0.95", LOG_CELL_MIDDLE)}[1] AS p95 FROM (
        SELECT ${BUCKET} AS t, concat('version ', r.version) AS version, r.cell AS cell, sum(r.n) AS n
        FROM feature_rollups AS r
        WHERE ${CHOSEN_ROWS} AND ${LATENCY} AND ${IN_RANGE} GROUP BY t, version, cell
      ) GROUP BY t, version ORDER BY t, version`,
  }),
];

const details = [
  list({
    title: "Segments",
    description:
      "What the service did for every value of every declared tag, those with most failures first. All versions that are chosen, all segments.",
    unit: "short",
    size: [10, 9],
    nothing: "the model declares no segments, or had no traffic in this time range",
    units: { failed: "percentunit", "mean latency": "s" },
    digits: { failed: 3 },
    widths: { requests: 90, failures: 90, failed: 90, "mean latency": 120 },
    sql: `
      SELECT ${SEGMENT_NAME} AS segment, sum(r.requests) AS requests, sumIf(r.requests, r.error != '') AS failures,
        failures / requests AS failed, sum(r.latency_s * (1 + r.unkept)) / nullIf(sum(r.latency_n * (1 + r.unkept)), 0) AS "mean latency"
      FROM model_rollups AS r
      WHERE ${THIS_MODEL} AND ${THESE_VERSIONS} AND segment_tag != '' AND ${IN_RANGE}
      GROUP BY segment ORDER BY failed DESC, requests DESC LIMIT 200`,
  }),
  list({
    title: "Service alerts",
    description:
      "Alerts about errors, latency, volume and silence that were open within the time range. Click a title for the whole explanation.",
    unit: "short",
    size: [14, 9],
    nothing: "no such alert was open in this time range",
    links: { id: ALERT_LINKS, title: ALERT_TITLE_LINKS },
    words: { severity: WORDS.severity, state: WORDS.state },
    widths: { severity: 80, state: 85, id: 200 },
    sql: `
      SELECT a.\`from\` AS "from", a.\`to\` AS "to", a.severity AS severity, a.state AS state,
        a.title AS title, a.id AS id
      FROM alerts AS a FINAL
      WHERE ${THIS_MODEL} AND ${OVERLAPS_RANGE}
        AND a.kind IN ${SERVICE_KINDS}
      ORDER BY a.\`from\` DESC LIMIT 200`,
  }),
];

export function service(): Dashboard {
  return dashboard({
    name: "service",
    title: "errors and service",
    description:
      "Does the model answer, how fast, and does the canary as well as the champion? From the rollups, at the grain that is chosen.",
    tags: ["model"],
    page: PAGE.model("${model:percentencode}"),
    from: "now-14d",
    refresh: "1m",
    variables: [modelVariable(), versionsVariable(), segmentVariable(), grainVariable("1h")],
    annotations: annotations(THIS_MODEL, `a.kind IN ${SERVICE_KINDS}`),
    rows: [
      { title: "Whole", panels: [...figures, ...whole] },
      { title: "By version", panels: byVersion },
      { title: "What its servers say", panels: resources },
      { title: "Where, and what was said", panels: details },
    ],
  });
}

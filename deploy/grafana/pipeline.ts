/**
 * Dashboard 4: does what agents accept get stored, and is it looked at? All times on the wall clock, unlike
 * the models' own times on the other dashboards; all from tables, so that one datasource is enough. What only
 * the processes know (spool, memory, restarts) is on their /metrics.
 */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { PAGE, dashboard } from "./dashboard.ts";
import { FILLED, FILLED_RANGE } from "./conditions.ts";
import { MODEL_LINKS } from "./links.ts";
import { colored, curves, figure, list } from "./panels.ts";

const GROUPS = "$__timeFilter_ms(g.formed)";
const GROUP_BUCKET = "$__timeInterval(g.formed)";
/** Shorter intervals than groups are apart would show gaps that are none. */
const INTERVAL = "1m";

const figures = [
  figure({
    title: "Stored predictions",
    description: "Predictions stored within the time range, each exactly once.",
    unit: "short",
    size: [5, 4],
    sql: `SELECT sum(g.predictions) AS predictions FROM ingest_groups AS g WHERE ${GROUPS}`,
  }),
  figure({
    title: "Since the last group",
    description:
      "Time since frames were last taken to be stored together. Without traffic it grows, and that is right; with traffic it stays at seconds, else see the collector: `npx driftmend doctor`.",
    unit: "s",
    decimals: 0,
    size: [5, 4],
    sql: `
      SELECT dateDiff('second', max(g.formed), now64(3, 'UTC')) AS seconds FROM ingest_groups AS g
      WHERE g.formed >= $__fromTime_ms HAVING count() > 0`,
    nothing: "no group in this time range",
  }),
  figure({
    title: "From accepted to stored (p95)",
    description:
      "Time that the newest frame of 95 % of the groups waited from the agent's acceptance until its group was formed. Above a minute the pipeline is behind; the spools keep what waits.",
    unit: "s",
    size: [5, 4],
    thresholds: [
      { value: null, color: "green" },
      { value: 10, color: "orange" },
      { value: 60, color: "red" },
    ],
    sql: `
      SELECT quantileExact(0.95)(dateDiff('millisecond', g.accepted, g.formed)) / 1000 AS p95
      FROM ingest_groups AS g WHERE ${GROUPS} HAVING count() > 0`,
    nothing: "no group in this time range",
  }),
  figure({
    title: "Dead letters",
    description:
      "Records refused within the time range with a reason. They are kept: `npx driftmend dead-letters list` shows them, and `resend` sends them again.",
    unit: "short",
    size: [5, 4],
    thresholds: [
      { value: null, color: "green" },
      { value: 1, color: "orange" },
    ],
    sql: `SELECT sum(l.rows) AS records FROM dead_letters AS l WHERE $__timeFilter_ms(l.time)`,
  }),
  figure({
    title: "Groups set aside",
    description:
      "Groups that an operator skipped within the time range since they kept failing. Their frames are dead letters.",
    unit: "short",
    size: [4, 4],
    thresholds: [
      { value: null, color: "green" },
      { value: 1, color: "red" },
    ],
    sql: `SELECT count() AS groups FROM groups_set_aside AS s WHERE $__timeFilter_ms(s.at)`,
  }),
];

const flow = [
  curves({
    title: "Stored",
    description: "Predictions and labels a second, by the time at which they were stored.",
    unit: "cps",
    size: [12, 8],
    min: 0,
    interval: INTERVAL,
    overrides: { predictions: colored("blue"), labels: colored("green") },
    sql: `
      SELECT ${GROUP_BUCKET} AS t, sum(g.predictions) / $__interval_s AS predictions,
        sum(g.labels) / $__interval_s AS labels
      FROM ingest_groups AS g WHERE ${GROUPS} GROUP BY t ORDER BY t ${FILLED}`,
  }),
  curves({
    title: "From accepted to stored",
    description:
      "Wait of the newest frame of a group from the agent's acceptance until the group was formed: half and 95 % of the groups, and the longest.",
    unit: "s",
    size: [12, 8],
    min: 0,
    interval: INTERVAL,
    overrides: { p50: colored("green"), p95: colored("orange"), longest: colored("red") },
    sql: `
      SELECT ${GROUP_BUCKET} AS t,
        toNullable(quantileExact(0.5)(dateDiff('millisecond', g.accepted, g.formed)) / 1000) AS p50,
        toNullable(quantileExact(0.95)(dateDiff('millisecond', g.accepted, g.formed)) / 1000) AS p95,
        toNullable(max(dateDiff('millisecond', g.accepted, g.formed)) / 1000) AS longest
      FROM ingest_groups AS g WHERE ${GROUPS} GROUP BY t ORDER BY t ${FILLED}`,
  }),
  curves({
    title: "Groups by shard",
    description:
      "Groups of frames that each shard stored. A shard that stands still while others go has lost its owner.",
    unit: "short",
    size: [12, 8],
    min: 0,
    draw: "stacked-bars",
    interval: INTERVAL,
    label: "shard",
    sql: `
      SELECT * FROM (
        SELECT ${GROUP_BUCKET} AS t, concat('shard ', toString(g.shard)) AS shard, count() AS groups
        FROM ingest_groups AS g WHERE ${GROUPS} GROUP BY t, shard ORDER BY shard, t ${FILLED_RANGE}
      ) WHERE shard != '' ORDER BY t, shard`,
  }),
  curves({
    title: "Dead letters by reason",
    description:
      "Records that were refused, by the code of the reason; docs/errors.md explains each.",
    unit: "short",
    size: [12, 8],
    min: 0,
    draw: "stacked-bars",
    interval: INTERVAL,
    label: "reason",
    nothing: "no record was refused in this time range",
    sql: `
      SELECT * FROM (
        SELECT $__timeInterval(l.time) AS t, toString(l.reason) AS reason, sum(l.rows) AS records
        FROM dead_letters AS l WHERE $__timeFilter_ms(l.time) GROUP BY t, reason ORDER BY reason, t ${FILLED_RANGE}
      ) WHERE reason != '' ORDER BY t, reason`,
  }),
];

const books = [
  list({
    title: "Models and how far they are looked at",
    description:
      "Clock of every model, the newest minute with traffic, and how far the analyzer has evaluated windows, in the model's own time. Days are judged when they end: up to a day between the two is right.",
    unit: "short",
    size: [24, 6],
    nothing: "no model has had traffic",
    links: { model: MODEL_LINKS },
    units: { behind: "s" },
    overrides: {
      behind: [
        { id: "custom.cellOptions", value: { type: "color-text" } },
        {
          id: "thresholds",
          value: {
            mode: "absolute",
            steps: [
              { value: null, color: "green" },
              { value: 2 * 86_400, color: "orange" },
              { value: 4 * 86_400, color: "red" },
            ],
          },
        },
      ],
    },
    sql: `
      SELECT m.model AS model, ifNull(c.clock, 'wall') AS clock, c.time AS "clock says", m.last AS "newest traffic",
        k.through AS "evaluated through",
        if(isNull(k.through), NULL, greatest(0, dateDiff('second', k.through, m.last))) AS behind
      FROM (SELECT toString(model) AS model, max(time) AS last FROM model_hours WHERE segment_tag = '' GROUP BY model) AS m
      LEFT JOIN (
        SELECT toString(model) AS model, toString(clock) AS clock, if(clock = 'wall', NULL, time) AS time
        FROM model_clocks FINAL
      ) AS c ON c.model = m.model
      LEFT JOIN (SELECT toString(model) AS model, through FROM analyzer_checkpoints FINAL) AS k ON k.model = m.model
      ORDER BY behind DESC, model LIMIT 1000 SETTINGS join_use_nulls = 1`,
  }),
  list({
    title: "Newest dead letters",
    description: "Records that were refused, the newest first, with what is wrong with each.",
    unit: "short",
    size: [24, 7],
    nothing: "no record was refused in this time range",
    widths: { record: 110, records: 90, model: 160, reason: 180, letter: 250 },
    sql: `
      SELECT l.time AS time, l.record AS record, l.model AS model, l.reason AS reason, l.detail AS detail,
        l.rows AS records, l.letter AS letter
      FROM dead_letters AS l WHERE $__timeFilter_ms(l.time) ORDER BY l.time DESC LIMIT 200`,
  }),
  list({
    title: "Tables",
    description:
      "Rows, bytes and parts of every table. Hundreds of parts in one partition mean that merges cannot keep up with inserts.",
    unit: "short",
    size: [14, 9],
    widths: { rows: 90, bytes: 100, "bytes/row": 100, parts: 80, "most parts in a partition": 190 },
    units: { bytes: "bytes", "bytes/row": "bytes" },
    overrides: {
      "most parts in a partition": [
        { id: "custom.cellOptions", value: { type: "color-text" } },
        {
          id: "thresholds",
          value: {
            mode: "absolute",
            steps: [
              { value: null, color: "green" },
              { value: 150, color: "orange" },
              { value: 300, color: "red" },
            ],
          },
        },
      ],
    },
    sql: `
      SELECT x.table AS table, sum(x.of_rows) AS rows, sum(x.of_bytes) AS bytes,
        sum(x.of_bytes) / greatest(sum(x.of_rows), 1) AS "bytes/row",
        sum(x.of_parts) AS parts, max(x.of_parts) AS "most parts in a partition"
      FROM (
        SELECT p.table AS table, p.partition AS partition, sum(p.rows) AS of_rows,
          sum(p.bytes_on_disk) AS of_bytes, count() AS of_parts
        FROM system.parts AS p WHERE p.database = currentDatabase() AND p.active GROUP BY table, partition
      ) AS x GROUP BY table ORDER BY bytes DESC LIMIT 100`,
  }),
  list({
    title: "Owners of the shards",
    description:
      "Which collector owns each shard and since when. An epoch that grows every minute means that collectors take shards from each other.",
    unit: "short",
    size: [10, 9],
    widths: { shard: 90, epoch: 80 },
    nothing: "no collector has taken a shard yet",
    sql: `
      SELECT concat('shard ', toString(e.shard)) AS shard, max(e.epoch) AS epoch,
        argMax(e.owner, e.epoch) AS owner, argMax(e.taken, e.epoch) AS taken
      FROM shard_epochs AS e GROUP BY shard ORDER BY shard LIMIT 200`,
  }),
];

export function pipeline(): Dashboard {
  return dashboard({
    name: "pipeline",
    title: "pipeline health",
    description:
      "Does what agents accept get stored, and is it looked at? Times are the wall clock's; spool, memory and restarts are on the processes' /metrics.",
    tags: ["pipeline"],
    page: PAGE.fleet,
    from: "now-6h",
    refresh: "30s",
    variables: [],
    annotations: [],
    rows: [
      { title: "Now", panels: figures },
      { title: "Flow", panels: flow },
      { title: "Books", panels: books },
    ],
  });
}

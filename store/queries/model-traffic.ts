/** What a model did: requests, errors and latency by minute, slot, hour and day, all rows or by segment. */
import { z } from "zod";
import { count, float, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

const Span = { model: z.string(), fromMs: z.int(), toMs: z.int() };
const IN_SPAN = `model = {model:String}
      AND time >= {fromMs:DateTime64(3, 'UTC')} AND time < {toMs:DateTime64(3, 'UTC')}`;

/** Rows that are there, and what they stand for where somebody sampled: requests, and those of them that failed. */
const TRAFFIC = { n: count, errors: count, requests: float, failed: float };
const TRAFFIC_SQL = `sum(m.n) AS n, sumIf(m.n, error != '') AS errors,
      sum(m.requests) AS requests, sumIf(m.requests, error != '') AS failed`;

/** Minutes that had requests, in order; all versions together. */
export const trafficMinutes = defineQuery({
  name: "traffic_minutes",
  params: z.object(Span),
  row: z.object({ minute: timeMs, ...TRAFFIC }),
  sql: `SELECT time AS minute, ${TRAFFIC_SQL}
    FROM model_minutes AS m
    WHERE ${IN_SPAN} AND segment_tag = ''
    GROUP BY minute HAVING n > 0 ORDER BY minute`,
});

/**
 * Rows of the same slots in past weeks, and how many requests those of the week stand for: `week` counts back from 1, `slot` from 0 at `fromMs` less
 * `week` weeks. The span must be shorter than a week.
 */
const profileQuery = (tier: "minutes" | "hours", slotSeconds: number) =>
  defineQuery({
    name: `traffic_profile_${tier}`,
    params: z.object({ ...Span, weeks: z.int().max(52) }),
    row: z.object({
      week: count,
      slot: z.array(z.int()),
      n: z.array(z.number()),
      requests: float,
    }),
    sql: `SELECT week, groupArray(slot) AS slot, groupArray(rows) AS n, sum(stood_for) AS requests FROM (
      SELECT w AS week, intDiv(dateDiff('second', {fromMs:DateTime64(3, 'UTC')}, time) + w * 604800, ${slotSeconds}) AS slot,
        sum(n) AS rows, sum(requests) AS stood_for
      FROM (
        SELECT time, n, requests,
          intDiv(dateDiff('second', time, {fromMs:DateTime64(3, 'UTC')}) + 604799, 604800) AS w
        FROM model_${tier}
        WHERE model = {model:String} AND segment_tag = ''
          AND time >= {fromMs:DateTime64(3, 'UTC')} - INTERVAL {weeks:UInt16} WEEK
          AND time < {fromMs:DateTime64(3, 'UTC')}
          AND dateDiff('second', {fromMs:DateTime64(3, 'UTC')}, time) + w * 604800
            < dateDiff('second', {fromMs:DateTime64(3, 'UTC')}, {toMs:DateTime64(3, 'UTC')}))
      WHERE week > 0
      GROUP BY week, slot HAVING rows > 0 ORDER BY week, slot)
    GROUP BY week ORDER BY week`,
  });

/** By 5-minute slot, from minutes. */
export const trafficProfileMinutes = profileQuery("minutes", 300);
/** By hour, for weeks whose minutes are no longer kept. */
export const trafficProfileHours = profileQuery("hours", 3600);

/** Hours that had requests, in order; all versions together. */
export const trafficHours = defineQuery({
  name: "traffic_hours",
  params: z.object(Span),
  row: z.object({ hour: timeMs, ...TRAFFIC }),
  sql: `SELECT time AS hour, ${TRAFFIC_SQL}
    FROM model_hours AS m
    WHERE ${IN_SPAN} AND segment_tag = ''
    GROUP BY hour HAVING n > 0 ORDER BY hour`,
});

const STEP_END = "toStartOfInterval(time, INTERVAL 5 MINUTE, 'UTC') + INTERVAL 5 MINUTE";

/** Latencies by 5-minute step and cell, from rollups by the minute; failed requests are not in them. */
export const latencyCells = defineQuery({
  name: "latency_cells",
  params: z.object(Span),
  row: z.object({ end: timeMs, grid: count, cell: z.array(z.int()), n: z.array(z.number()) }),
  sql: `SELECT end, grid, groupArray(cell) AS cell, groupArray(rows) AS n FROM (
      SELECT toDateTime64(${STEP_END}, 3, 'UTC') AS end, grid, cell, sum(n) AS rows
      FROM feature_minutes
      WHERE ${IN_SPAN} AND feature = '$latency' AND segment_tag = ''
      GROUP BY end, grid, cell HAVING rows > 0 ORDER BY end, grid, cell)
    GROUP BY end, grid ORDER BY end, grid`,
});

/** The same counted from raw rows, for models whose features are rolled up more coarsely. */
export const latencyRaw = defineQuery({
  name: "latency_raw",
  params: z.object({ ...Span, seconds: z.number() }),
  row: z.object({ end: timeMs, n: count, slow: count }),
  sql: `SELECT toDateTime64(${STEP_END.replaceAll("time", "ts")}, 3, 'UTC') AS end,
      countIf(NOT isNaN(latency)) AS n, countIf(latency > {seconds:Float64}) AS slow
    FROM predictions
    WHERE model = {model:String} AND error = ''
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}
    GROUP BY end HAVING n > 0 ORDER BY end`,
});

/** Predictions by day, version and segment. */
export const trafficDays = defineQuery({
  name: "traffic_days",
  params: z.object(Span),
  row: z.object({
    day: timeMs,
    version: z.string(),
    segment_tag: z.string(),
    segment_value: z.string(),
    ...TRAFFIC,
  }),
  sql: `SELECT time AS day, version, segment_tag, segment_value, ${TRAFFIC_SQL}
    FROM model_days AS m
    WHERE ${IN_SPAN}
    GROUP BY day, version, segment_tag, segment_value HAVING n > 0
    ORDER BY day, version, segment_tag, segment_value`,
});

/** Which tier answers buckets of a length: minutes are kept for days only. */
export type TrafficTier = "minutes" | "hours" | "days";

/** What operations shows: per bucket and version rows, requests, errors and mean latency by weight. */
const bucketsQuery = (tier: TrafficTier) =>
  defineQuery({
    name: `traffic_buckets_${tier}`,
    params: z.object({ ...Span, seconds: z.int().min(60) }),
    row: z.object({
      version: z.string(),
      at: timeMs,
      ...TRAFFIC,
      latency_n: float,
      latency_s: float,
    }),
    sql: `SELECT version,
        toDateTime64(toStartOfInterval(time, INTERVAL {seconds:UInt32} SECOND, 'UTC'), 3, 'UTC') AS at,
        ${TRAFFIC_SQL},
        sum(m.latency_n * (1 + m.unkept)) AS latency_n, sum(m.latency_s * (1 + m.unkept)) AS latency_s
      FROM model_${tier} AS m
      WHERE ${IN_SPAN} AND segment_tag = ''
      GROUP BY version, at HAVING n > 0 ORDER BY at, version`,
  });

export const trafficBuckets = {
  minutes: bucketsQuery("minutes"),
  hours: bucketsQuery("hours"),
  days: bucketsQuery("days"),
} as const;

/** Failed requests by type of error and version. */
const errorsQuery = (tier: TrafficTier) =>
  defineQuery({
    name: `error_types_${tier}`,
    params: z.object({ ...Span, limit: z.int() }),
    row: z.object({ error: z.string(), version: z.string(), requests: float }),
    sql: `SELECT error, version, sum(m.requests) AS requests FROM model_${tier} AS m
      WHERE ${IN_SPAN} AND segment_tag = '' AND error != ''
      GROUP BY error, version HAVING requests > 0 ORDER BY requests DESC, error, version LIMIT {limit:UInt32}`,
  });

export const errorTypes = {
  minutes: errorsQuery("minutes"),
  hours: errorsQuery("hours"),
  days: errorsQuery("days"),
} as const;

const rowsQuery = (tier: TrafficTier) =>
  defineQuery({
    name: `traffic_rows_${tier}`,
    params: z.object({ ...Span, version: z.string(), tag: z.string(), value: z.string() }),
    row: z.object({ n: count, errors: count }),
    sql: `SELECT sum(m.n) AS n, sumIf(m.n, error != '') AS errors
      FROM model_${tier} AS m
      WHERE ${IN_SPAN} AND segment_tag = {tag:String} AND segment_value = {value:String}
        AND ({version:String} = '' OR version = {version:String})`,
  });

/** Predictions in a span, as they are visible now; `fromMs` and `toMs` should be borders of the tier. */
export const trafficRows = {
  minutes: rowsQuery("minutes"),
  hours: rowsQuery("hours"),
} as const;

/** Every model that ever had traffic, with its first and last hour. */
export const modelsSeen = defineQuery({
  name: "models_seen",
  params: z.object({}),
  row: z.object({ model: z.string(), first: timeMs, last: timeMs, n: count }),
  sql: `SELECT model, min(time) AS first, max(time) AS last, sum(m.n) AS n
    FROM model_days AS m WHERE segment_tag = '' GROUP BY model ORDER BY model`,
});

/** Per model the requests of each hour of its last week that had any, as its rows stand for them, in order; some of the first day may be older than a week. */
export const lastWeekHours = defineQuery({
  name: "last_week_hours",
  params: z.object({}),
  row: z.object({
    model: z.string(),
    hour: z.array(z.int()),
    n: z.array(z.int()),
    errors: z.array(z.int()),
  }),
  // Where the week begins goes by the days, of which there are few: hours are read once.
  sql: `SELECT model, groupArray(toUnixTimestamp(hour)) AS hour, groupArray(rows) AS n,
      groupArray(failed) AS errors
    FROM (
      SELECT m.model AS model, m.time AS hour, toInt64(round(sum(m.requests))) AS rows,
        toInt64(round(sumIf(m.requests, error != ''))) AS failed
      FROM model_hours AS m INNER JOIN (
        SELECT model, max(d.time) AS day FROM model_days AS d
        WHERE segment_tag = '' AND d.n > 0 GROUP BY model) AS l ON l.model = m.model
      WHERE segment_tag = '' AND m.time > l.day - INTERVAL 7 DAY
      GROUP BY model, hour HAVING rows > 0 ORDER BY model, hour)
    GROUP BY model`,
});

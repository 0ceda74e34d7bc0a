/** What model servers said of themselves: requests, errors, latency and resources by minute, step, hour and bucket. */
import { z } from "zod";
import { count, float, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

const Span = { model: z.string(), fromMs: z.int(), toMs: z.int() };
const IN_SPAN = `model = {model:String}
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}`;
/** Growth is summed as it came, and shown in whole requests. */
const whole = (measure: string): string => `toInt64(round(sumIf(value, measure = '${measure}')))`;

const requestsSql = (time: "minute" | "hour", start: string): string =>
  `SELECT toDateTime64(${start}, 3, 'UTC') AS ${time}, ${whole("requests")} AS n, ${whole("errors")} AS errors
    FROM server_metrics
    WHERE ${IN_SPAN} AND measure IN ('requests', 'errors')
    GROUP BY ${time} HAVING n > 0 ORDER BY ${time}`;

/** Minutes in which a server answered requests, in order; the shape of `trafficMinutes`. */
export const serverMinutes = defineQuery({
  name: "server_minutes",
  params: z.object(Span),
  row: z.object({ minute: timeMs, n: count, errors: count }),
  sql: requestsSql("minute", "toStartOfMinute(ts)"),
});

/** Likewise by hour, as `trafficHours`. */
export const serverHours = defineQuery({
  name: "server_hours",
  params: z.object(Span),
  row: z.object({ hour: timeMs, n: count, errors: count }),
  sql: requestsSql("hour", "toStartOfHour(ts)"),
});

const STEP_END = "toStartOfInterval(ts, INTERVAL 5 MINUTE, 'UTC') + INTERVAL 5 MINUTE";

/** Requests by 5-minute step, and those of buckets that lie wholly above the limit. */
export const serverLatencySteps = defineQuery({
  name: "server_latency_steps",
  params: z.object({ ...Span, seconds: z.number() }),
  row: z.object({ end: timeMs, n: count, slow: count }),
  sql: `SELECT toDateTime64(${STEP_END}, 3, 'UTC') AS end, toInt64(round(sum(value))) AS n,
      toInt64(round(sumIf(value, lower >= {seconds:Float64}))) AS slow
    FROM server_metrics
    WHERE ${IN_SPAN} AND measure = 'latency'
    GROUP BY end HAVING n > 0 ORDER BY end`,
});

/** Means by hour of what a server uses, over its copies, GPUs and samples; time in the queue by request. */
export const resourceHours = defineQuery({
  name: "resource_hours",
  params: z.object({ ...Span, measures: z.array(z.string()), samples: z.int() }),
  row: z.object({ measure: z.string(), hour: timeMs, value: float }),
  sql: `SELECT measure, toDateTime64(toStartOfHour(ts), 3, 'UTC') AS hour, avg(m.value) AS value
    FROM server_metrics AS m
    WHERE ${IN_SPAN} AND measure IN {measures:Array(String)}
    GROUP BY measure, hour HAVING count() >= {samples:UInt32}
    UNION ALL
    SELECT 'queue_seconds' AS measure, toDateTime64(toStartOfHour(ts), 3, 'UTC') AS hour,
      sumIf(m.value, m.measure = 'queue_seconds') / sumIf(m.value, m.measure = 'queue_count') AS value
    FROM server_metrics AS m
    WHERE ${IN_SPAN} AND m.measure IN ('queue_seconds', 'queue_count')
    GROUP BY hour HAVING sumIf(m.value, m.measure = 'queue_count') >= {samples:UInt32}`,
});

/** What operations shows of a server, by bucket of time; all copies and versions together. */
export const serverBuckets = defineQuery({
  name: "server_buckets",
  params: z.object({ ...Span, seconds: z.int().min(60) }),
  row: z.object({
    at: timeMs,
    requests: count,
    errors: count,
    latency_n: float,
    latency_s: float,
    queue_n: float,
    queue_s: float,
  }),
  sql: `SELECT toDateTime64(toStartOfInterval(ts, INTERVAL {seconds:UInt32} SECOND, 'UTC'), 3, 'UTC') AS at,
      ${whole("requests")} AS requests, ${whole("errors")} AS errors,
      sumIf(value, measure = 'latency_count') AS latency_n, sumIf(value, measure = 'latency_seconds') AS latency_s,
      sumIf(value, measure = 'queue_count') AS queue_n, sumIf(value, measure = 'queue_seconds') AS queue_s
    FROM server_metrics
    WHERE ${IN_SPAN} AND measure IN
      ('requests', 'errors', 'latency_count', 'latency_seconds', 'queue_count', 'queue_seconds')
    GROUP BY at ORDER BY at`,
});

/** Buckets of latency over a span. */
export const serverLatency = defineQuery({
  name: "server_latency",
  params: z.object(Span),
  row: z.object({ lower: float, upper: float, n: float }),
  sql: `SELECT lower, upper, sum(value) AS n FROM server_metrics
    WHERE ${IN_SPAN} AND measure = 'latency' GROUP BY lower, upper ORDER BY upper, lower`,
});

/** What is counted by part over a span: types of error, kinds of token. */
export const serverParts = defineQuery({
  name: "server_parts",
  params: z.object({ ...Span, limit: z.int() }),
  row: z.object({ measure: z.string(), part: z.string(), n: count }),
  sql: `SELECT measure, part, toInt64(round(sum(value))) AS n FROM server_metrics
    WHERE ${IN_SPAN} AND measure IN ('errors', 'tokens')
    GROUP BY measure, part HAVING n > 0 ORDER BY n DESC, part LIMIT {limit:UInt32}`,
});

/** Levels by copy of the server and part; each with its buckets of time in order. */
export const resourceSeries = defineQuery({
  name: "resource_series",
  params: z.object({
    ...Span,
    seconds: z.int().min(60),
    measures: z.array(z.string()),
    limit: z.int(),
  }),
  row: z.object({
    measure: z.string(),
    instance: z.string(),
    part: z.string(),
    source: z.string(),
    at: z.array(z.int()),
    mean: z.array(z.number()),
    max: z.array(z.number()),
    last: float,
  }),
  sql: `SELECT measure, instance, part, any(way) AS source, groupArray(toUnixTimestamp(bucket)) AS at,
      groupArray(middle) AS mean, groupArray(top) AS max, argMax(latest, bucket) AS last
    FROM (
      SELECT measure, instance, part, any(source) AS way,
        toStartOfInterval(ts, INTERVAL {seconds:UInt32} SECOND, 'UTC') AS bucket,
        avg(value) AS middle, max(value) AS top, argMax(value, ts) AS latest
      FROM server_metrics WHERE ${IN_SPAN} AND measure IN {measures:Array(String)}
      GROUP BY measure, instance, part, bucket ORDER BY measure, instance, part, bucket)
    GROUP BY measure, instance, part ORDER BY measure, instance, part LIMIT {limit:UInt32}`,
});

/** Every model of which some server told, with its first and last day. */
export const serverModels = defineQuery({
  name: "server_models",
  params: z.object({}),
  row: z.object({ model: z.string(), first: timeMs, last: timeMs }),
  sql: `SELECT model, toDateTime64(toStartOfDay(min(ts)), 3, 'UTC') AS first, max(ts) AS last
    FROM server_metrics WHERE measure = 'requests' GROUP BY model ORDER BY model`,
});

/**
 * Fragments that many statements share: what the variables above a dashboard mean in SQL. Variables are
 * formatted by Grafana's own `sqlstring`, which quotes and escapes them: the plugin's default does not.
 */

/** Rows of the chosen model. */
export const THIS_MODEL = `model = \${model:sqlstring}`;
/** Rows of the chosen models, where several may be chosen. */
export const THESE_MODELS = `$__conditionalAll(model IN (\${model:sqlstring}), $model)`;
export const THESE_VERSIONS = `$__conditionalAll(version IN (\${version:sqlstring}), $version)`;

/** The value of the variable `segment` that stands for all rows; any other is "tag = value". */
export const ALL_ROWS = "all rows";
const SEGMENT = `\${segment:sqlstring}`;
const SEPARATOR = " = ";

/** Rows of the chosen segment. Constant expressions, so that the tables' keys are used. */
export const THIS_SEGMENT =
  `segment_tag = if(${SEGMENT} = '${ALL_ROWS}', '', splitByString('${SEPARATOR}', ${SEGMENT})[1])` +
  ` AND segment_value = if(${SEGMENT} = '${ALL_ROWS}', '', substring(${SEGMENT}, position(${SEGMENT}, '${SEPARATOR}') + ${SEPARATOR.length}))`;

export const EVERY_ROW = "segment_tag = '' AND segment_value = ''";

/** Names a segment as the variable does. */
export const SEGMENT_NAME = `if(segment_tag = '', '${ALL_ROWS}', concat(segment_tag, '${SEPARATOR}', segment_value))`;

/** Rows of a rollup at the chosen grain within the time range. */
export const IN_RANGE = `grain = \${grain:sqlstring} AND $__timeFilter_ms(r.time)`;
/** Start of a bucket as wide as the panel's interval, which is at least the grain. */
export const BUCKET = "$__timeInterval(r.time)";

/**
 * Fills the buckets without rows between the first and the last one: counts with 0, what may be NULL with NULL.
 * Else Grafana would draw a slope across an hour without traffic.
 */
export const FILLED = "WITH FILL STEP $__interval_s";

/** Fills the whole range, for bars: a lone one would be as wide as the panel allows. Nothing is filled too, without a name. */
export const FILLED_RANGE =
  "WITH FILL FROM toStartOfInterval($__fromTime, toIntervalSecond($__interval_s)) TO $__toTime STEP $__interval_s";

/** What the service does, apart from what it is asked and says. */
export const SERVICE_KINDS = "('error-share', 'latency', 'volume', 'no-traffic', 'blind-agent')";

/** Windows that end within the time range; an end is when a verdict can be known. */
export const WINDOW_IN_RANGE = "$__timeFilter_ms(w.`to`)";

/** Spans (alerts, quarantines) that overlap the time range. */
export const OVERLAPS_RANGE =
  "a.`from` <= $__toTime_ms AND (isNull(a.`to`) OR a.`to` >= $__fromTime_ms)";

/** Samples of model servers within the time range, and the bucket of each. */
export const SAMPLES_IN_RANGE = "$__timeFilter_ms(s.ts)";
export const BUCKET_OF_SAMPLE = "$__timeInterval(s.ts)";

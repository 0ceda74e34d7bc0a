/** Stored results of analysis, as the routes answer them. */
import { z } from "zod";
import { count, float, json, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

const Span = { model: z.string(), fromMs: z.int(), toMs: z.int() };
const IN_SPAN = `model = {model:String}
      AND \`from\` >= {fromMs:DateTime64(3, 'UTC')} AND \`to\` <= {toMs:DateTime64(3, 'UTC')}`;

const DriftResult = z.object({
  kind: z.string(),
  from: timeMs,
  to: timeMs,
  feature: z.string(),
  segment_tag: z.string(),
  segment_value: z.string(),
  version: z.string(),
  reference: z.string(),
  verdict: z.string(),
  reason: z.string(),
  n: count,
  reference_n: count,
  p_value: float,
  effect: float,
  threshold: float,
  psi: float,
  js: float,
  ks: float,
  chi2: float,
  wasserstein: float,
  evaluated: timeMs,
  revision: count,
  detail: json,
});
export type DriftResult = z.infer<typeof DriftResult>;

/** Verdicts of all windows within a span, oldest first. */
export const driftResults = defineQuery({
  name: "drift_results",
  params: z.object(Span),
  row: DriftResult,
  sql: `SELECT kind, \`from\`, \`to\`, feature, segment_tag, segment_value, version, reference, verdict,
      reason, n, reference_n, p_value, effect, threshold, psi, js, ks, chi2, wasserstein, evaluated,
      revision, detail
    FROM drift_results FINAL WHERE ${IN_SPAN}
    ORDER BY \`to\`, kind, feature, segment_tag, segment_value, version LIMIT 50000`,
});

const PerformanceResult = z.object({
  kind: z.string(),
  metric: z.string(),
  from: timeMs,
  to: timeMs,
  segment_tag: z.string(),
  segment_value: z.string(),
  version: z.string(),
  value: float,
  lower: float,
  upper: float,
  n: count,
  labelled: count,
  censored: count,
  blocks: count,
  evaluated: timeMs,
  revision: count,
  replaces: count,
  detail: json,
});
export type PerformanceResult = z.infer<typeof PerformanceResult>;

export const performanceResults = defineQuery({
  name: "performance_results",
  params: z.object(Span),
  row: PerformanceResult,
  sql: `SELECT kind, metric, \`from\`, \`to\`, segment_tag, segment_value, version, value, lower, upper,
      n, labelled, censored, blocks, evaluated, revision, replaces, detail
    FROM performance_results FINAL WHERE ${IN_SPAN}
    ORDER BY \`to\`, \`from\`, kind, metric, segment_tag, segment_value, version LIMIT 50000`,
});

/** By kind and window the revision that one of `atMs` replaces, also when that one was written before; 0: none. */
export const performanceRevisions = defineQuery({
  name: "performance_revisions",
  params: z.object({ ...Span, atMs: z.int() }),
  row: z.object({ kind: z.string(), from: timeMs, to: timeMs, replaces: count }),
  sql: `SELECT kind, \`from\`, \`to\`, greatest(
      maxIf(w.revision, w.revision < {atMs:UInt64}), maxIf(w.replaces, w.revision = {atMs:UInt64})) AS replaces
    FROM performance_results AS w WHERE ${IN_SPAN}
    GROUP BY kind, \`from\`, \`to\``,
});

/**
 * Per model the newest values that a list shows: of the window that ended last, and of the shortest such; and
 * beside them the metric's last weeks, oldest first.
 */
export const listedFigures = defineQuery({
  name: "listed_figures",
  params: z.object({ metrics: z.array(z.string()), weeks: z.int() }),
  row: z.object({
    model: z.string(),
    metric: z.string(),
    from: timeMs,
    to: timeMs,
    value: float,
    lower: float,
    upper: float,
    n: count,
    labelled: count,
    censored: count,
    weekTo: z.array(timeMs),
    weekValue: z.array(float),
  }),
  sql: `SELECT model, metric, newest.1 AS \`from\`, newest.2 AS \`to\`, newest.3 AS value,
      newest.4 AS lower, newest.5 AS upper, newest.6 AS n, newest.7 AS labelled, newest.8 AS censored,
      weeks.1 AS weekTo, weeks.2 AS weekValue
    FROM (
      SELECT model, metric,
        argMax(tuple(\`from\`, \`to\`, value, lower, upper, n, labelled, censored), tuple(\`to\`, \`from\`)) AS newest,
        arraySlice(
          arraySort(groupArrayIf(tuple(\`to\`, value), \`to\` - \`from\` = 86400 * 7)), -{weeks:Int16}) AS weeks
      FROM performance_results FINAL
      WHERE kind = 'realised' AND segment_tag = '' AND version = ''
        AND has({metrics:Array(String)}, metric) AND \`to\` - \`from\` > 86400 * 2
      GROUP BY model, metric)
    ORDER BY model, metric`,
});

/** What of a model's figures is asked for: a filter that is applied where they are stored. */
export const FigureScope = z.enum(["everything", "all-rows", "versions", "segments"]);

/** As `performanceResults`, of one grain and scope: a year of weeks must not read every segment's days. */
export const performanceFigures = defineQuery({
  name: "performance_figures",
  params: z.object({
    ...Span,
    /** Length of the windows; 0: any. */
    seconds: z.int(),
    scope: FigureScope,
  }),
  row: PerformanceResult.omit({ detail: true }),
  sql: `SELECT kind, metric, \`from\`, \`to\`, segment_tag, segment_value, version, value, lower, upper,
      n, labelled, censored, blocks, evaluated, revision, replaces
    FROM performance_results FINAL WHERE ${IN_SPAN}
      AND ({seconds:UInt32} = 0 OR dateDiff('second', \`from\`, \`to\`) = {seconds:UInt32})
      AND multiIf({scope:String} = 'everything', 1,
        {scope:String} = 'segments', segment_tag != '',
        {scope:String} = 'versions', segment_tag = '' AND version != '',
        segment_tag = '' AND (version = '' OR kind = 'estimated'))
    ORDER BY \`to\`, \`from\`, kind, metric, segment_tag, segment_value, version LIMIT 50000`,
});

/** Per model how many features drifted in its newest window. */
export const newestDrift = defineQuery({
  name: "newest_drift",
  params: z.object({}),
  row: z.object({ model: z.string(), last: timeMs, drifted: count, looked: count }),
  sql: `SELECT model, max(newest) AS last,
      countIf(verdict = 'drift' AND \`to\` = newest) AS drifted, countIf(\`to\` = newest) AS looked
    FROM (
      SELECT model, \`to\`, verdict, max(\`to\`) OVER (PARTITION BY model) AS newest
      FROM drift_results FINAL WHERE segment_tag = '' AND kind = 'feature')
    GROUP BY model`,
});

/**
 * Per model the change that was made last: of its document, of the version that serves, or made elsewhere. Which
 * is last goes by the wall clock of the entries, the time shown is the model's own. A version that was adopted
 * before a replay announced its clock serves since the first record. A replay stores its document at each start,
 * which is shown only where nothing else has happened.
 */
export const lastChanges = defineQuery({
  name: "last_changes",
  params: z.object({}),
  row: z.object({ model: z.string(), at: timeMs, what: z.string() }),
  sql: `SELECT model, argMax(t, made) AS at, argMax(w, made) AS what FROM (
      SELECT m.model AS model, m.updated AS t, 'document' AS w,
        if(c.clock = 'replay', toDateTime64(0, 3, 'UTC'), m.updated) AS made
      FROM (SELECT model, updated FROM models FINAL) AS m
      LEFT JOIN (SELECT model, clock FROM model_clocks FINAL) AS c ON c.model = m.model
      UNION ALL SELECT model, time AS t, title AS w, created AS made FROM changes FINAL WHERE model != ''
      UNION ALL SELECT a.model AS model,
        if(a.action = 'adopt' AND c.clock = 'replay' AND a.at > c.time AND f.records > 0, f.first, a.at) AS t,
        multiIf(a.action = 'adopt', concat('version ', a.target, ' adopted'),
          a.action = 'rollback', concat('rolled back to version ', a.target),
          concat('version ', r.version, ' promoted')) AS w,
        a.time AS made
      FROM (
        SELECT * FROM audit_log FINAL WHERE action IN ('adopt', 'promoted', 'rollback')
        ORDER BY seq DESC LIMIT 1 BY model) AS a
      LEFT JOIN (SELECT id, version FROM retraining_runs FINAL) AS r ON r.id = a.target
      LEFT JOIN (SELECT model, clock, time FROM model_clocks FINAL) AS c ON c.model = a.model
      LEFT JOIN (
        SELECT model, min(m.time) AS first, count() AS records FROM model_hours AS m WHERE n > 0 GROUP BY model
      ) AS f ON f.model = a.model)
    GROUP BY model`,
});

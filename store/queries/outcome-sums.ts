/**
 * What performance is made of: sums over outcomes by block of time, and within it by version and by value of
 * each declared segment, on the labels known at a moment of model time.
 */
import { z } from "zod";
import { count, float, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

/** Sums of floats come in any order of rows; twelve digits are the same in all of them. */
const stable = float.transform((value) => Number(value.toPrecision(12)));

const OutcomeSums = z.object({
  block: timeMs,
  version: z.string(),
  segment_tag: z.string(),
  segment_value: z.string(),
  n: count,
  log_loss: stable,
  brier: stable,
  score: stable,
  positives: count,
  correct: count,
  auc: stable,
});
/**
 * Sums of one block: all rows (version and segment empty), one version, or one segment of all versions.
 * `auc` is the block's own; NaN where it was not asked for or one class is missing.
 */
export type OutcomeSums = z.infer<typeof OutcomeSums>;

const Params = {
  model: z.string(),
  fromMs: z.int(),
  toMs: z.int(),
  /** Labels that became known later are not looked at. */
  knownMs: z.int(),
  positive: z.string(),
  threshold: z.number(),
};

const BLOCKS = {
  hour: "toDateTime64(toStartOfHour(ts), 3, 'UTC')",
  day: "toDateTime64(toStartOfDay(ts), 3, 'UTC')",
  span: "{fromMs:DateTime64(3, 'UTC')}",
} as const;

/** A row without the tag belongs to no segment. */
const TAGS = ["tag1", "tag2"] as const;

/**
 * Bins of scores that grow with the score, for AUC in bounded memory: the bits of min(p, 1 − p) as a Float32
 * without its last `scoreShift`, counted from above for p > 0.5. Near 0 and near 1 they are as fine, relatively,
 * as in the middle.
 */
const SCORE_BIN = `if(p <= 0.5, toInt64(bits), 4294967296 - toInt64(bits))`;
const SCORE_BITS = `bitShiftRight(reinterpretAsUInt32(toFloat32(greatest(0, least(p, 1 - p)))), {scoreShift:UInt8})`;

/** Every pair of classes in one bin counts one half, as ties do. */
const BINNED_AUC = `arraySum((bin, below) -> bin.2 * (below - bin.3 / 2), bins, arrayCumSum(bin -> bin.3, bins))
        / (positives * toFloat64(n - positives))`;

/**
 * Spans with more rows have their AUC by 64 bins to the octave, off by less than 1e-4; others by 512, off by less
 * than 2e-5. Finer ones give nearly every score a bin of its own, which costs five times as much.
 */
const FINE_ROWS_MAX = 2_000_000;

/** @param rows of the span, at most */
export const scoreShift = (rows: number): number => (rows > FINE_ROWS_MAX ? 17 : 14);

function sumsQuery(block: "day" | "span") {
  return defineQuery({
    name: `outcome_sums_by_${block}`,
    params: z.object({ ...Params, tag1: z.string(), tag2: z.string(), scoreShift: z.int() }),
    row: OutcomeSums,
    sql: `WITH arraySort(groupArray((bin, ones, rows - ones))) AS bins
      SELECT block, version, segment_tag, segment_value, toInt64(sum(rows)) AS n,
        sum(losses) AS log_loss, sum(squares) AS brier, sum(scores) AS score,
        toInt64(sum(ones)) AS positives, toInt64(sum(right)) AS correct,
        ${BINNED_AUC} AS auc
      FROM (
        SELECT block, if(grouping(v) = 0, toString(v), '') AS version,
          multiIf(grouping(t1) = 0, {tag1:String}, grouping(t2) = 0, {tag2:String}, '') AS segment_tag,
          multiIf(grouping(t1) = 0, t1, grouping(t2) = 0, t2, '') AS segment_value,
          bin, toInt64(count()) AS rows, sum(row_loss) AS losses, sum(pow(p - y, 2)) AS squares,
          sum(p) AS scores, toInt64(sum(y)) AS ones, sum((p >= {threshold:Float64}) = (y = 1)) AS right
        FROM (
          SELECT ${BLOCKS[block]} AS block, o.version AS v, o.score AS p,
            ${SCORE_BITS} AS bits, ${SCORE_BIN} AS bin,
            toFloat64(o.actual_label = {positive:String}) AS y,
            -log(greatest(1e-15, if(y = 1, p, 1 - p))) AS row_loss,
            ${TAGS.map((tag, i) => `toString(tags[{${tag}:String}]) AS t${i + 1}`).join(", ")}
          FROM outcomes AS o FINAL
          WHERE model = {model:String}
            AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}
            AND known <= {knownMs:DateTime64(3, 'UTC')}
            AND actual_label != '' AND isFinite(o.score))
        GROUP BY GROUPING SETS ((block, bin), (block, v, bin), (block, t1, bin), (block, t2, bin))
        HAVING (grouping(t1) = 1 OR ({tag1:String} != '' AND t1 != ''))
          AND (grouping(t2) = 1 OR ({tag2:String} != '' AND t2 != '')))
      GROUP BY block, version, segment_tag, segment_value
      ORDER BY block, version, segment_tag, segment_value`,
  });
}

/** By hour, without AUC: blocks for the interval of a day. */
export const outcomeSumsByHour = defineQuery({
  name: "outcome_sums_by_hour",
  params: z.object(Params),
  row: OutcomeSums,
  sql: `SELECT ${BLOCKS.hour} AS block, if(grouping(v) = 0, toString(v), '') AS version,
      '' AS segment_tag, '' AS segment_value, count() AS n, sum(row_loss) AS log_loss,
      sum(pow(p - y, 2)) AS brier, sum(p) AS score, toInt64(sum(y)) AS positives,
      toInt64(sum((p >= {threshold:Float64}) = (y = 1))) AS correct, nan AS auc
    FROM (
      SELECT ts, o.version AS v, o.score AS p, toFloat64(o.actual_label = {positive:String}) AS y,
        -log(greatest(1e-15, if(y = 1, p, 1 - p))) AS row_loss
      FROM outcomes AS o FINAL
      WHERE model = {model:String}
        AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}
        AND known <= {knownMs:DateTime64(3, 'UTC')}
        AND actual_label != '' AND isFinite(o.score))
    GROUP BY GROUPING SETS ((block), (block, v))
    ORDER BY block, version`,
});
/** By day, with AUC. */
export const outcomeSumsByDay = sumsQuery("day");
/** The whole span as one block, for what does not add up. */
export const outcomeSumsOfSpan = sumsQuery("span");

/**
 * Outcomes per day of prediction, and predictions whose outcome is never seen. `fingerprint` changes when labels came late or were corrected, also
 * where their number stays the same, and does not depend on the order of rows; below 2^53.
 */
export const outcomeCounts = defineQuery({
  name: "outcome_counts",
  params: z.object({ model: z.string(), fromMs: z.int(), toMs: z.int(), knownMs: z.int() }),
  row: z.object({ day: timeMs, n: count, censored: count, fingerprint: count }),
  sql: `SELECT toDateTime64(toStartOfDay(ts), 3, 'UTC') AS day,
      countIf(o.censored = 0) AS n, countIf(o.censored = 1) AS censored,
      bitAnd(sum(cityHash64(id_hash, ts, actual_label, actual_value)), ${Number.MAX_SAFE_INTEGER})
        AS fingerprint
    FROM outcomes AS o FINAL
    WHERE model = {model:String}
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}
      AND known <= {knownMs:DateTime64(3, 'UTC')}
    GROUP BY day ORDER BY day`,
});

/** Predictions whose outcome is never seen, in the shape of `trafficDays`: all rows and each declared segment. */
export const censoredDays = defineQuery({
  name: "censored_days",
  params: z.object({ model: z.string(), fromMs: z.int(), toMs: z.int() }),
  row: z.object({
    day: timeMs,
    version: z.string(),
    segment_tag: z.string(),
    segment_value: z.string(),
    n: count,
  }),
  sql: `SELECT toDateTime64(toStartOfDay(ts), 3, 'UTC') AS day, toString(o.version) AS version,
      segment.1 AS segment_tag, segment.2 AS segment_value, count() AS n
    FROM (SELECT ts, version, tags FROM outcomes FINAL
      WHERE model = {model:String} AND censored = 1
        AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}) AS o
    ARRAY JOIN arrayConcat([('', '')], arrayMap((tag, value) -> (toString(tag), toString(value)),
      mapKeys(tags), mapValues(tags))) AS segment
    GROUP BY day, version, segment_tag, segment_value`,
});

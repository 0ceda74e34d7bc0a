/**
 * Puts a model's past into the store as agent and collector would leave it: raw predictions, outcomes and
 * rollups. Rollups are counted by SQL from the raw rows that were just stored.
 */
import { z } from "zod";
import {
  PREDICTION_COLUMNS,
  type PredictionRow,
  WEIGHT_COLUMN,
  buildLabelBlock,
  buildPredictionBlock,
} from "../../../contract/payload-blocks.ts";
import type { Store } from "../../../store/client.ts";
import { defineCommand, defineInsert } from "../../../store/define-query.ts";
import { readGrids } from "../../../analyzer/reference/store-grids.ts";

/** A prediction with what became of it; `knownMs` Infinity or absent: no label ever. */
export interface PastRow extends PredictionRow {
  readonly actual?: string;
  readonly knownMs?: number;
}

const names = (of: readonly { readonly name: string }[]): string =>
  of.map(({ name }) => name).join(", ");

/** A block whose rows all stand for themselves has no weights. */
const insertPredictions = (columns: readonly { readonly name: string }[]) =>
  defineInsert({
    name: "test_predictions",
    params: z.object({}),
    sql: `INSERT INTO predictions (${names(columns)}) FORMAT Native`,
  });

const insertLabels = defineInsert({
  name: "test_labels",
  params: z.object({}),
  sql: `INSERT INTO labels (model, id, label, value, prediction_time, time, source, revision) FORMAT Native`,
});

const Span = z.object({ model: z.string(), fromMs: z.int(), toMs: z.int() });

const joinOutcomes = defineCommand({
  name: "test_outcomes",
  params: Span.extend({ tags: z.array(z.string()) }),
  repeatable: false,
  sql: `INSERT INTO outcomes (model, ts, id, id_hash, version, tags, score, value, predicted,
      actual_label, actual_value, known, revision)
    SELECT p.model, p.ts, p.id, p.id_hash, p.version,
      mapFilter((k, v) -> has({tags:Array(String)}, k), p.tags), p.score, p.value, p.label,
      l.label, l.value, l.time, l.revision
    FROM predictions AS p INNER JOIN labels AS l ON l.model = p.model AND l.id_hash = p.id_hash
    WHERE p.model = {model:String} AND p.error = '' AND p.ts >= {fromMs:DateTime64(3, 'UTC')}
      AND p.ts < {toMs:DateTime64(3, 'UTC')} AND l.model = {model:String}
      AND l.prediction_time >= {fromMs:DateTime64(3, 'UTC')}
      AND l.prediction_time < {toMs:DateTime64(3, 'UTC')}`,
});

const segmentsOf = `arrayConcat([('', '')],
      arrayMap(t -> (t, tags[t]), arrayFilter(t -> has(tags, t), {tags:Array(String)})))`;

const countModel = defineCommand({
  name: "test_model_minutes",
  params: Span.extend({ tags: z.array(z.string()) }),
  repeatable: false,
  sql: `INSERT INTO model_minutes
      (model, version, segment_tag, segment_value, error, time, unkept, n, latency_n, latency_s)
    SELECT model, version, segment.1, segment.2, error, toDateTime64(toStartOfMinute(ts), 3, 'UTC'),
      toFloat32(weight - 1), count(), countIf(NOT isNaN(latency)), sumIf(latency, NOT isNaN(latency))
    FROM predictions ARRAY JOIN ${segmentsOf} AS segment
    WHERE model = {model:String} AND ts >= {fromMs:DateTime64(3, 'UTC')}
      AND ts < {toMs:DateTime64(3, 'UTC')}
    GROUP BY 1, 2, 3, 4, 5, 6, 7`,
});

const countFeatures = defineCommand({
  name: "test_feature_hours",
  params: Span.extend({
    tags: z.array(z.string()),
    names: z.array(z.string()),
    grids: z.array(z.int()),
    centers: z.array(z.number()),
    invScales: z.array(z.number()),
    known: z.array(z.string()),
  }),
  repeatable: false,
  sql: `INSERT INTO feature_hours
    SELECT model, f, segment.1, segment.2, version, hour, grid, toInt16(cell), category,
      toInt64(count()), sumIf(v, isFinite(v)), sumIf(v * v, isFinite(v))
    FROM (
      SELECT model, version, hour, segments, f, v,
        multiIf(f = '$score', 1, i = 0, 0, {grids:Array(UInt16)}[i]) AS grid,
        multiIf(f = '$score', 0.5, i = 0, 0, {centers:Array(Float64)}[i]) AS c,
        multiIf(f = '$score', 1, i = 0, 0, {invScales:Array(Float64)}[i]) AS w,
        multiIf(isNaN(v), 32001, isInfinite(v), if(v > 0, 32002, 32003),
          w = 0, bitShiftRight(reinterpretAsInt32(toFloat32(v)), 19),
          (1 - 2 * ((v - c) * w < 0)) *
            bitShiftRight(reinterpretAsInt32(toFloat32(1 + abs((v - c) * w))) - 1065353216, 16)) AS cell,
        '' AS category
      FROM (
        SELECT model, version, toDateTime64(toStartOfHour(ts), 3, 'UTC') AS hour, ${segmentsOf} AS segments,
          mapConcat(CAST(num, 'Map(String, Float64)'),
            mapFilter((k, v) -> NOT isNaN(v), map('$score', score, '$latency', toFloat64(latency)))) AS numbers
        FROM predictions
        WHERE model = {model:String} AND error = '' AND ts >= {fromMs:DateTime64(3, 'UTC')}
          AND ts < {toMs:DateTime64(3, 'UTC')})
      ARRAY JOIN mapKeys(numbers) AS f, mapValues(numbers) AS v,
        arrayMap(k -> indexOf({names:Array(String)}, k), mapKeys(numbers)) AS i
      UNION ALL
      SELECT model, version, toDateTime64(toStartOfHour(ts), 3, 'UTC') AS hour, ${segmentsOf} AS segments,
        f, 0 AS v, if(i = 0, 0, {grids:Array(UInt16)}[i]) AS grid, 0 AS c, 0 AS w, 0 AS cell,
        if(has({known:Array(String)}, concat(f, '\\0', x)), x, concat('~other/', toString(CRC32(x) % 256))) AS category
      FROM predictions
      ARRAY JOIN mapKeys(cat) AS f, mapValues(cat) AS x,
        arrayMap(k -> indexOf({names:Array(String)}, k), mapKeys(cat)) AS i
      WHERE model = {model:String} AND error = '' AND ts >= {fromMs:DateTime64(3, 'UTC')}
        AND ts < {toMs:DateTime64(3, 'UTC')})
    ARRAY JOIN segments AS segment
    GROUP BY model, f, segment, version, hour, grid, cell, category`,
});

/**
 * Stores rows of one model; `tags` are its declared segments. Rows should cover whole hours, since each
 * call counts the span [fromMs, toMs) that it is told.
 */
export async function loadHistory(
  store: Store,
  given: {
    readonly model: string;
    readonly rows: readonly PastRow[];
    readonly tags: readonly string[];
    readonly fromMs: number;
    readonly toMs: number;
  },
): Promise<void> {
  const { model, rows, fromMs, toMs } = given;
  const tags = [...given.tags];
  const predictions = rows.map(({ actual: _actual, knownMs: _known, ...row }) => row);
  const isWeighted = predictions.some(({ weight = 1 }) => weight !== 1);
  const columns = isWeighted ? [...PREDICTION_COLUMNS, WEIGHT_COLUMN] : PREDICTION_COLUMNS;
  await store.insertNative(insertPredictions(columns), {}, [buildPredictionBlock(predictions)]);
  const labels = rows.flatMap((row) =>
    row.actual === undefined || !Number.isFinite(row.knownMs ?? Number.NaN)
      ? []
      : [
          {
            ...{ model, id: row.id, label: row.actual, value: Number.NaN },
            ...{ prediction_time: row.ts, time: row.knownMs ?? 0, source: "test", revision: 1 },
          },
        ],
  );
  if (labels.length > 0) {
    await store.insertNative(insertLabels, {}, [buildLabelBlock(labels)]);
    await store.command(joinOutcomes, { model, fromMs, toMs, tags });
  }
  await store.command(countModel, { model, fromMs, toMs, tags });
  const learnt = [...(await readGrids(model, store))];
  await store.command(countFeatures, {
    ...{ model, fromMs, toMs, tags },
    names: learnt.map(([name]) => name),
    grids: learnt.map(([, { grid }]) => grid),
    centers: learnt.map(([, { scale }]) => scale.center),
    invScales: learnt.map(([, { scale }]) => scale.invScale),
    known: learnt.flatMap(([name, { categories }]) => categories.map((c) => `${name}\u0000${c}`)),
  });
}

-- Rollups: what windows are made of. The collector writes the finest tier, views fill the coarser ones.

CREATE TABLE IF NOT EXISTS feature_minutes {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  feature LowCardinality(String) COMMENT 'Name of the feature; $score, $value and $latency are what the model answered',
  segment_tag LowCardinality(String) COMMENT 'Tag of the segment; empty: all rows',
  segment_value LowCardinality(String) COMMENT 'Value of that tag; ~other beyond the first 50; empty: all rows',
  version LowCardinality(String) COMMENT 'Version of the model that answered',
  time DateTime64(3, 'UTC') COMMENT 'Start of the minute, event time' CODEC(Delta, ZSTD(1)),
  grid UInt16 COMMENT 'Grid by which the cell is numbered (feature_grids); 0: none was known' CODEC(ZSTD(1)),
  cell Int16 COMMENT 'Cell of that grid; 32001 NaN, 32002 +inf, 32003 -inf, 32004 missing' CODEC(Delta, ZSTD(1)),
  category LowCardinality(String) COMMENT 'Category of a categorical feature: a known one or ~other/<0-255>; empty for numeric',
  n Int64 COMMENT 'Rows' CODEC(ZSTD(1)),
  s Float64 COMMENT 'Sum of the values' CODEC(ZSTD(1)),
  q Float64 COMMENT 'Sum of the squared values' CODEC(ZSTD(1))
) ENGINE = {{replicated}}SummingMergeTree((n, s, q))
PARTITION BY toDate(time)
ORDER BY (model, feature, segment_tag, segment_value, version, time, grid, cell, category)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1
COMMENT 'Counts of every feature by minute, segment, version and cell; sum over n, s and q';

CREATE TABLE IF NOT EXISTS model_minutes {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  version LowCardinality(String) COMMENT 'Version of the model that answered',
  segment_tag LowCardinality(String) COMMENT 'Tag of the segment; empty: all rows',
  segment_value LowCardinality(String) COMMENT 'Value of that tag; ~other beyond the first 50; empty: all rows',
  error LowCardinality(String) COMMENT 'Type of the error; empty: succeeded',
  time DateTime64(3, 'UTC') COMMENT 'Start of the minute, event time' CODEC(Delta, ZSTD(1)),
  n Int64 COMMENT 'Predictions' CODEC(ZSTD(1)),
  latency_n Int64 COMMENT 'Predictions whose latency is known' CODEC(ZSTD(1)),
  latency_s Float64 COMMENT 'Sum of the known latencies in seconds' CODEC(ZSTD(1))
) ENGINE = {{replicated}}SummingMergeTree((n, latency_n, latency_s))
PARTITION BY toDate(time)
ORDER BY (model, version, segment_tag, segment_value, error, time)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1
COMMENT 'What every model did by minute: predictions, errors, latency';

CREATE TABLE IF NOT EXISTS feature_hours {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  feature LowCardinality(String) COMMENT 'Name of the feature; $score, $value and $latency are what the model answered',
  segment_tag LowCardinality(String) COMMENT 'Tag of the segment; empty: all rows',
  segment_value LowCardinality(String) COMMENT 'Value of that tag; ~other beyond the first 50; empty: all rows',
  version LowCardinality(String) COMMENT 'Version of the model that answered',
  time DateTime64(3, 'UTC') COMMENT 'Start of the hour, event time' CODEC(Delta, ZSTD(1)),
  grid UInt16 COMMENT 'Grid by which the cell is numbered (feature_grids); 0: none was known' CODEC(ZSTD(1)),
  cell Int16 COMMENT 'Cell of that grid; 32001 NaN, 32002 +inf, 32003 -inf, 32004 missing' CODEC(Delta, ZSTD(1)),
  category LowCardinality(String) COMMENT 'Category of a categorical feature: a known one or ~other/<0-255>; empty for numeric',
  n Int64 COMMENT 'Rows' CODEC(ZSTD(1)),
  s Float64 COMMENT 'Sum of the values' CODEC(ZSTD(1)),
  q Float64 COMMENT 'Sum of the squared values' CODEC(ZSTD(1))
) ENGINE = {{replicated}}SummingMergeTree((n, s, q))
PARTITION BY toYYYYMM(time)
ORDER BY (model, feature, segment_tag, segment_value, version, time, grid, cell, category)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1
COMMENT 'Counts of every feature by hour, segment, version and cell; sum over n, s and q';

CREATE TABLE IF NOT EXISTS model_hours {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  version LowCardinality(String) COMMENT 'Version of the model that answered',
  segment_tag LowCardinality(String) COMMENT 'Tag of the segment; empty: all rows',
  segment_value LowCardinality(String) COMMENT 'Value of that tag; ~other beyond the first 50; empty: all rows',
  error LowCardinality(String) COMMENT 'Type of the error; empty: succeeded',
  time DateTime64(3, 'UTC') COMMENT 'Start of the hour, event time' CODEC(Delta, ZSTD(1)),
  n Int64 COMMENT 'Predictions' CODEC(ZSTD(1)),
  latency_n Int64 COMMENT 'Predictions whose latency is known' CODEC(ZSTD(1)),
  latency_s Float64 COMMENT 'Sum of the known latencies in seconds' CODEC(ZSTD(1))
) ENGINE = {{replicated}}SummingMergeTree((n, latency_n, latency_s))
PARTITION BY toYYYYMM(time)
ORDER BY (model, version, segment_tag, segment_value, error, time)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1
COMMENT 'What every model did by hour: predictions, errors, latency';

CREATE TABLE IF NOT EXISTS feature_days {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  feature LowCardinality(String) COMMENT 'Name of the feature; $score, $value and $latency are what the model answered',
  segment_tag LowCardinality(String) COMMENT 'Tag of the segment; empty: all rows',
  segment_value LowCardinality(String) COMMENT 'Value of that tag; ~other beyond the first 50; empty: all rows',
  version LowCardinality(String) COMMENT 'Version of the model that answered',
  time DateTime64(3, 'UTC') COMMENT 'Start of the day, event time' CODEC(Delta, ZSTD(1)),
  grid UInt16 COMMENT 'Grid by which the cell is numbered (feature_grids); 0: none was known' CODEC(ZSTD(1)),
  cell Int16 COMMENT 'Cell of that grid; 32001 NaN, 32002 +inf, 32003 -inf, 32004 missing' CODEC(Delta, ZSTD(1)),
  category LowCardinality(String) COMMENT 'Category of a categorical feature: a known one or ~other/<0-255>; empty for numeric',
  n Int64 COMMENT 'Rows' CODEC(ZSTD(1)),
  s Float64 COMMENT 'Sum of the values' CODEC(ZSTD(1)),
  q Float64 COMMENT 'Sum of the squared values' CODEC(ZSTD(1))
) ENGINE = {{replicated}}SummingMergeTree((n, s, q))
PARTITION BY toYYYYMM(time)
ORDER BY (model, feature, segment_tag, segment_value, version, time, grid, cell, category)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1
COMMENT 'Counts of every feature by day, segment, version and cell; sum over n, s and q';

CREATE TABLE IF NOT EXISTS model_days {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  version LowCardinality(String) COMMENT 'Version of the model that answered',
  segment_tag LowCardinality(String) COMMENT 'Tag of the segment; empty: all rows',
  segment_value LowCardinality(String) COMMENT 'Value of that tag; ~other beyond the first 50; empty: all rows',
  error LowCardinality(String) COMMENT 'Type of the error; empty: succeeded',
  time DateTime64(3, 'UTC') COMMENT 'Start of the day, event time' CODEC(Delta, ZSTD(1)),
  n Int64 COMMENT 'Predictions' CODEC(ZSTD(1)),
  latency_n Int64 COMMENT 'Predictions whose latency is known' CODEC(ZSTD(1)),
  latency_s Float64 COMMENT 'Sum of the known latencies in seconds' CODEC(ZSTD(1))
) ENGINE = {{replicated}}SummingMergeTree((n, latency_n, latency_s))
PARTITION BY toYYYYMM(time)
ORDER BY (model, version, segment_tag, segment_value, error, time)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1
COMMENT 'What every model did by day: predictions, errors, latency';

CREATE MATERIALIZED VIEW IF NOT EXISTS feature_minutes_to_hours {{on_cluster}} TO feature_hours AS
SELECT model, feature, segment_tag, segment_value, version, toDateTime64(toStartOfHour(f.time), 3, 'UTC') AS time, grid, cell, category,
  sum(f.n) AS n, sum(f.s) AS s, sum(f.q) AS q
FROM feature_minutes AS f
GROUP BY model, feature, segment_tag, segment_value, version, time, grid, cell, category;

CREATE MATERIALIZED VIEW IF NOT EXISTS model_minutes_to_hours {{on_cluster}} TO model_hours AS
SELECT model, version, segment_tag, segment_value, error, toDateTime64(toStartOfHour(m.time), 3, 'UTC') AS time,
  sum(m.n) AS n, sum(m.latency_n) AS latency_n, sum(m.latency_s) AS latency_s
FROM model_minutes AS m
GROUP BY model, version, segment_tag, segment_value, error, time;

CREATE MATERIALIZED VIEW IF NOT EXISTS feature_hours_to_days {{on_cluster}} TO feature_days AS
SELECT model, feature, segment_tag, segment_value, version, toDateTime64(toStartOfDay(f.time), 3, 'UTC') AS time, grid, cell, category,
  sum(f.n) AS n, sum(f.s) AS s, sum(f.q) AS q
FROM feature_hours AS f
GROUP BY model, feature, segment_tag, segment_value, version, time, grid, cell, category;

CREATE MATERIALIZED VIEW IF NOT EXISTS model_hours_to_days {{on_cluster}} TO model_days AS
SELECT model, version, segment_tag, segment_value, error, toDateTime64(toStartOfDay(m.time), 3, 'UTC') AS time,
  sum(m.n) AS n, sum(m.latency_n) AS latency_n, sum(m.latency_s) AS latency_s
FROM model_hours AS m
GROUP BY model, version, segment_tag, segment_value, error, time;

CREATE VIEW IF NOT EXISTS feature_rollups {{on_cluster}} AS
SELECT '1m' AS grain, * FROM feature_minutes
UNION ALL SELECT '1h' AS grain, * FROM feature_hours
UNION ALL SELECT '1d' AS grain, * FROM feature_days;

CREATE VIEW IF NOT EXISTS model_rollups {{on_cluster}} AS
SELECT '1m' AS grain, * FROM model_minutes
UNION ALL SELECT '1h' AS grain, * FROM model_hours
UNION ALL SELECT '1d' AS grain, * FROM model_days;

CREATE TABLE IF NOT EXISTS feature_grids {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  feature LowCardinality(String) COMMENT 'Name of the feature',
  grid UInt16 COMMENT 'Number of the grid, from 1, growing per model: rows of one change carry one number and are one INSERT',
  kind LowCardinality(String) COMMENT 'numeric or categorical',
  center Float64 COMMENT 'Value of cell 0, the median of the sample',
  inv_scale Float64 COMMENT '1 / scale, the interquartile range of the sample',
  categories Array(String) COMMENT 'Known categories of a categorical feature',
  created DateTime64(3, 'UTC') COMMENT 'Wall time of the change'
) ENGINE = {{replicated}}ReplacingMergeTree(created)
ORDER BY (model, feature, grid)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'How values become cells; a row is never changed, a changed scale makes a new grid';

CREATE TABLE IF NOT EXISTS reference_rollups {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  reference LowCardinality(String) COMMENT 'training_set/<digest> or window/<from>/<to>',
  feature LowCardinality(String) COMMENT 'Name of the feature',
  segment_tag LowCardinality(String) COMMENT 'Tag of the segment; empty: all rows',
  segment_value LowCardinality(String) COMMENT 'Value of that tag; empty: all rows',
  grid UInt16 COMMENT 'Grid by which the cell is numbered',
  cell Int16 COMMENT 'Cell of that grid, as in feature_minutes',
  category LowCardinality(String) COMMENT 'Category, as in feature_minutes',
  n Int64 COMMENT 'Rows',
  s Float64 COMMENT 'Sum of the values',
  q Float64 COMMENT 'Sum of the squared values'
) ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (model, reference, feature, segment_tag, segment_value, grid, cell, category)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'What windows are compared with; read with FINAL';

CREATE TABLE IF NOT EXISTS version_references {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  version LowCardinality(String) COMMENT 'Version whose scores these are',
  cell Int16 COMMENT 'Cell of the grid of scores (center 0.5, scale 1)',
  n Int64 COMMENT 'Labelled rows of its training set',
  score_sum Float64 COMMENT 'Sum of the scores',
  positives Int64 COMMENT 'Rows whose label is the positive class',
  revision UInt64 COMMENT 'The highest holds'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (model, version, cell)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Scores of a version on its own training set: reference of prediction drift and calibration table; read with FINAL';

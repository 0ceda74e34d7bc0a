-- Sampling: a kept prediction may stand for several. What a model did is counted by weight, so that its rollups say
-- both how many rows there are and how many requests they stand for; distributions are counted by row (docs/sampling.md).

ALTER TABLE predictions {{on_cluster}} ADD COLUMN IF NOT EXISTS
  weight Float32 DEFAULT 1 COMMENT 'Requests that the row stands for: 1 over the chance that it was kept; 1 where nobody sampled' CODEC(ZSTD(1))
  AFTER error;

ALTER TABLE labels {{on_cluster}} ADD COLUMN IF NOT EXISTS
  unsampled UInt8 DEFAULT 0 COMMENT '1: the sample leaves its prediction out, and nobody waits for it' CODEC(ZSTD(1))
  AFTER revision;

ALTER TABLE model_minutes {{on_cluster}}
  ADD COLUMN IF NOT EXISTS unkept Float32 COMMENT 'Requests that were not kept, for each row: its weight less 1' CODEC(ZSTD(1)),
  MODIFY ORDER BY (model, version, segment_tag, segment_value, error, time, unkept);

ALTER TABLE model_hours {{on_cluster}}
  ADD COLUMN IF NOT EXISTS unkept Float32 COMMENT 'Requests that were not kept, for each row: its weight less 1' CODEC(ZSTD(1)),
  MODIFY ORDER BY (model, version, segment_tag, segment_value, error, time, unkept);

ALTER TABLE model_days {{on_cluster}}
  ADD COLUMN IF NOT EXISTS unkept Float32 COMMENT 'Requests that were not kept, for each row: its weight less 1' CODEC(ZSTD(1)),
  MODIFY ORDER BY (model, version, segment_tag, segment_value, error, time, unkept);

ALTER TABLE model_minutes {{on_cluster}} ADD COLUMN IF NOT EXISTS
  requests Float64 ALIAS n * (1 + toFloat64(unkept)) COMMENT 'Requests that the rows stand for';

ALTER TABLE model_hours {{on_cluster}} ADD COLUMN IF NOT EXISTS
  requests Float64 ALIAS n * (1 + toFloat64(unkept)) COMMENT 'Requests that the rows stand for';

ALTER TABLE model_days {{on_cluster}} ADD COLUMN IF NOT EXISTS
  requests Float64 ALIAS n * (1 + toFloat64(unkept)) COMMENT 'Requests that the rows stand for';

ALTER TABLE model_minutes_to_hours {{on_cluster}} MODIFY QUERY
SELECT model, version, segment_tag, segment_value, error, toDateTime64(toStartOfHour(m.time), 3, 'UTC') AS time, unkept,
  sum(m.n) AS n, sum(m.latency_n) AS latency_n, sum(m.latency_s) AS latency_s
FROM model_minutes AS m
GROUP BY model, version, segment_tag, segment_value, error, time, unkept;

ALTER TABLE model_hours_to_days {{on_cluster}} MODIFY QUERY
SELECT model, version, segment_tag, segment_value, error, toDateTime64(toStartOfDay(m.time), 3, 'UTC') AS time, unkept,
  sum(m.n) AS n, sum(m.latency_n) AS latency_n, sum(m.latency_s) AS latency_s
FROM model_hours AS m
GROUP BY model, version, segment_tag, segment_value, error, time, unkept;

CREATE OR REPLACE VIEW model_rollups {{on_cluster}} AS
SELECT '1m' AS grain, *, requests FROM model_minutes
UNION ALL SELECT '1h' AS grain, *, requests FROM model_hours
UNION ALL SELECT '1d' AS grain, *, requests FROM model_days;

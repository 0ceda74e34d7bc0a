-- What the agents accepted: raw predictions and labels, the two joined, and what was refused.

CREATE TABLE IF NOT EXISTS predictions {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  version LowCardinality(String) COMMENT 'Version of the model that answered; empty when it was not said',
  ts DateTime64(3, 'UTC') COMMENT 'Event time: when the prediction was made' CODEC(Delta, ZSTD(1)),
  id String COMMENT 'Id of the prediction as given; labels name it',
  id_hash UInt128 DEFAULT reinterpretAsUInt128(sipHash128(id)) COMMENT '128-bit hash of the id, the key of joins' CODEC(NONE),
  num Map(LowCardinality(String), Float64) COMMENT 'Numeric features; a missing feature has no entry',
  cat Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Categorical features; a missing feature has no entry',
  tags Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Tags of the request, by which segments are made',
  label LowCardinality(String) COMMENT 'Predicted class; empty when there is none',
  score Float64 COMMENT 'Probability of the positive class; NaN when there is none',
  value Float64 COMMENT 'Answer of a regression; NaN when there is none',
  probabilities Map(LowCardinality(String), Float32) COMMENT 'Probability of each class, where they were sent',
  latency Float32 COMMENT 'Seconds that the model server took; NaN when it was not said',
  error LowCardinality(String) COMMENT 'Type of the error; empty when the prediction succeeded',
  _spool LowCardinality(String) COMMENT 'Spool of the agent that accepted the row (32 hex digits)',
  _seq UInt64 COMMENT 'Frame of that spool which carried the row' CODEC(Delta, ZSTD(1)),
  _group UInt64 COMMENT 'Group of its shard with which the row was stored' CODEC(Delta, ZSTD(1)),
  _shard UInt16 COMMENT 'Shard of the transport' CODEC(ZSTD(1))
) ENGINE = {{replicated}}MergeTree
PARTITION BY toDate(ts)
ORDER BY (model, ts)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1,
  vertical_merge_algorithm_min_rows_to_activate = 1, vertical_merge_algorithm_min_columns_to_activate = 1
COMMENT 'One row per accepted prediction; never changed once written';

CREATE TABLE IF NOT EXISTS labels {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  id String COMMENT 'Id of the prediction that the label belongs to',
  id_hash UInt128 DEFAULT reinterpretAsUInt128(sipHash128(id)) COMMENT '128-bit hash of the id, the key of joins' CODEC(NONE),
  label LowCardinality(String) COMMENT 'True class; empty when there is none',
  value Float64 COMMENT 'True value of a regression; NaN when there is none',
  prediction_time Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was predicted, where the sender said so; makes the join cheap',
  time DateTime64(3, 'UTC') COMMENT 'When the label became known' CODEC(Delta, ZSTD(1)),
  source LowCardinality(String) COMMENT 'Who says so',
  revision UInt64 COMMENT 'The highest revision of an id holds',
  _spool LowCardinality(String) COMMENT 'Spool of the agent that accepted the row (32 hex digits)',
  _seq UInt64 COMMENT 'Frame of that spool which carried the row' CODEC(Delta, ZSTD(1)),
  _group UInt64 COMMENT 'Group of its shard with which the row was stored' CODEC(Delta, ZSTD(1)),
  _shard UInt16 COMMENT 'Shard of the transport' CODEC(ZSTD(1))
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(time)
ORDER BY (model, id_hash)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1
COMMENT 'Ground truth by prediction id; read with FINAL';

CREATE TABLE IF NOT EXISTS outcomes {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  ts DateTime64(3, 'UTC') COMMENT 'When the prediction was made' CODEC(Delta, ZSTD(1)),
  id String COMMENT 'Id of the prediction',
  id_hash UInt128 COMMENT '128-bit hash of the id' CODEC(NONE),
  version LowCardinality(String) COMMENT 'Version of the model that answered',
  tags Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Tags that the model declares as segments, no others',
  score Float64 COMMENT 'Predicted probability of the positive class; NaN when there is none',
  value Float64 COMMENT 'Predicted value; NaN when there is none',
  predicted LowCardinality(String) COMMENT 'Predicted class; empty when there is none',
  actual_label LowCardinality(String) COMMENT 'True class; empty when there is none',
  actual_value Float64 COMMENT 'True value; NaN when there is none',
  known DateTime64(3, 'UTC') COMMENT 'When the label became known' CODEC(Delta, ZSTD(1)),
  revision UInt64 COMMENT 'Revision of the label; the highest holds'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(ts)
ORDER BY (model, ts, id_hash)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1
COMMENT 'Label and prediction met: all that performance reads; read with FINAL';

CREATE TABLE IF NOT EXISTS dead_letters {{on_cluster}} (
  time DateTime64(3, 'UTC') COMMENT 'Wall time of the refusal' CODEC(Delta, ZSTD(1)),
  letter String DEFAULT lower(hex(sipHash128(_spool, _seq, record, model, id, reason, detail, sample))) COMMENT 'Id by which it is shown and sent again',
  record LowCardinality(String) COMMENT 'What it was meant to be: predictions, labels, dead_letters or frame',
  model LowCardinality(String) COMMENT 'Name of the model; empty when it could not be read',
  id String COMMENT 'Id of the prediction; empty when it could not be read',
  reason LowCardinality(String) COMMENT 'Code of the refusal',
  detail String COMMENT 'What exactly is wrong',
  sample String COMMENT 'The record as a JSON line of the door for events or labels, as far as it was understood',
  rows UInt32 DEFAULT 1 COMMENT 'Records that this row stands for',
  payload String COMMENT 'Bytes of a block that could not be read; empty for single records',
  _spool LowCardinality(String) COMMENT 'Spool of the agent that accepted it (32 hex digits)',
  _seq UInt64 COMMENT 'Frame of that spool',
  _group UInt64 COMMENT 'Group of its shard with which it was stored; 0: it never was in a group',
  _shard UInt16 COMMENT 'Shard of the transport'
) ENGINE = {{replicated}}MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (time, model)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1
COMMENT 'What was accepted and could not be stored as what it claimed to be, with the reason';

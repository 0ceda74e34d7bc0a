-- Which label holds must not depend on the order in which labels come: of one revision whatever was stored last
-- held. Both tables are made anew, as the column by which rows replace each other cannot be changed. A
-- migration that was cut short begins again with what stands under the old name.

DROP TABLE IF EXISTS labels_ranked {{on_cluster}} SYNC;

CREATE TABLE IF NOT EXISTS labels_ranked {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  id String COMMENT 'Id of the prediction that the label belongs to',
  id_hash UInt128 DEFAULT reinterpretAsUInt128(sipHash128(id)) COMMENT '128-bit hash of the id, the key of joins' CODEC(NONE),
  label LowCardinality(String) COMMENT 'True class; empty when there is none',
  value Float64 COMMENT 'True value of a regression; NaN when there is none',
  prediction_time Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was predicted, where the sender said so; makes the join cheap',
  time DateTime64(3, 'UTC') COMMENT 'When the label became known' CODEC(Delta, ZSTD(1)),
  source LowCardinality(String) COMMENT 'Who says so; absence: nobody did within labels.negative_after',
  revision UInt64 COMMENT 'The highest revision of an id holds',
  rank UInt128 DEFAULT bitOr(bitShiftLeft(toUInt128(revision), 64), toUInt128(bitOr(bitOr(bitShiftLeft(toUInt64(source != 'absence'), 63), bitShiftLeft(toUInt64(greatest(0, toUnixTimestamp64Milli(time))), 20)), bitShiftRight(cityHash64(label, value), 44)))) COMMENT 'The highest of an id holds: by revision, then any source before absence, then the time, then the label itself' CODEC(ZSTD(1)),
  _spool LowCardinality(String) COMMENT 'Spool of the agent that accepted the row (32 hex digits); empty: a label by absence',
  _seq UInt64 COMMENT 'Frame of that spool which carried the row' CODEC(Delta, ZSTD(1)),
  _group UInt64 COMMENT 'Group of its shard with which the row was stored; 0: it was in none' CODEC(Delta, ZSTD(1)),
  _shard UInt16 COMMENT 'Shard of the transport' CODEC(ZSTD(1)),
  INDEX by_group _group TYPE minmax GRANULARITY 1
) ENGINE = {{replicated}}ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(time)
ORDER BY (model, id_hash)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1,
  vertical_merge_algorithm_min_rows_to_activate = 1, vertical_merge_algorithm_min_columns_to_activate = 1
COMMENT 'Ground truth by prediction id; read with FINAL';

INSERT INTO labels_ranked (model, id, id_hash, label, value, prediction_time, time, source, revision, _spool, _seq, _group, _shard)
SELECT model, id, id_hash, label, value, prediction_time, time, source, revision, _spool, _seq, _group, _shard FROM labels;

EXCHANGE TABLES labels AND labels_ranked {{on_cluster}};

DROP TABLE IF EXISTS labels_ranked {{on_cluster}} SYNC;

DROP TABLE IF EXISTS outcomes_ranked {{on_cluster}} SYNC;

CREATE TABLE IF NOT EXISTS outcomes_ranked {{on_cluster}} (
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
  revision UInt64 COMMENT 'Revision of the label; the highest holds',
  source LowCardinality(String) COMMENT 'Source of the label; absence: nobody sent one within labels.negative_after',
  censored UInt8 DEFAULT 0 COMMENT '1: labels.censored says that its outcome is never seen; it has no label here whatever came',
  rank UInt128 DEFAULT if(censored = 1, bitShiftLeft(toUInt128(1), 126), bitOr(bitShiftLeft(toUInt128(revision), 64), toUInt128(bitOr(bitOr(bitShiftLeft(toUInt64(source != 'absence'), 63), bitShiftLeft(toUInt64(greatest(0, toUnixTimestamp64Milli(known))), 20)), bitShiftRight(cityHash64(actual_label, actual_value), 44))))) COMMENT 'The highest of a prediction holds: censored before any label, labels as in labels.rank' CODEC(ZSTD(1)),
  _group UInt64 DEFAULT 0 COMMENT 'Group of its shard with which the label was stored; 0: it was in none, or before this was noted' CODEC(Delta, ZSTD(1)),
  _shard UInt16 DEFAULT 0 COMMENT 'Shard of that group' CODEC(ZSTD(1)),
  INDEX by_group _group TYPE minmax GRANULARITY 1
) ENGINE = {{replicated}}ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(ts)
ORDER BY (model, ts, id_hash)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1,
  vertical_merge_algorithm_min_rows_to_activate = 1, vertical_merge_algorithm_min_columns_to_activate = 1
COMMENT 'Label and prediction met: all that performance reads, with the predictions whose outcome is never seen; read with FINAL';

INSERT INTO outcomes_ranked (model, ts, id, id_hash, version, tags, score, value, predicted, actual_label, actual_value, known, revision, _group, _shard)
SELECT model, ts, id, id_hash, version, tags, score, value, predicted, actual_label, actual_value, known, revision, _group, _shard FROM outcomes FINAL;

EXCHANGE TABLES outcomes AND outcomes_ranked {{on_cluster}};

DROP TABLE IF EXISTS outcomes_ranked {{on_cluster}} SYNC;

ALTER TABLE performance_results {{on_cluster}} ADD COLUMN IF NOT EXISTS
  censored Int64 DEFAULT 0 COMMENT 'Of its predictions those whose outcome is never seen (labels.censored); coverage leaves them out' AFTER labelled;

ALTER TABLE performance_results {{on_cluster}} ADD COLUMN IF NOT EXISTS
  replaces UInt64 DEFAULT 0 COMMENT 'Revision that this one replaces; 0: it is the first' AFTER revision;

CREATE TABLE IF NOT EXISTS label_rules {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  rule LowCardinality(String) COMMENT 'absence or censored',
  said String COMMENT 'What the document said when it was carried out',
  through DateTime64(3, 'UTC') COMMENT 'Predictions made before are done',
  ran DateTime64(3, 'UTC') COMMENT 'Wall time'
) ENGINE = {{replicated}}ReplacingMergeTree(ran)
ORDER BY (model, rule)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'How far negative_after and censored are carried out; read with FINAL';

CREATE TABLE IF NOT EXISTS label_pulls {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  source String COMMENT 'Hash of the statement or file that the document names; another one begins anew',
  watermark DateTime64(3, 'UTC') COMMENT 'Labels that became known until then are sent',
  ran DateTime64(3, 'UTC') COMMENT 'Wall time of the last attempt',
  pulled DateTime64(3, 'UTC') COMMENT 'Wall time of the last attempt that succeeded; 1970: none did',
  rows UInt64 COMMENT 'Labels that the last successful pull sent',
  rows_total UInt64 COMMENT 'Labels sent since the source was named; those of the overlap count again',
  refused UInt64 COMMENT 'Rows of the last successful pull that are no labels',
  error String COMMENT 'Why the last attempt failed, or why rows were refused; empty: neither',
  failures UInt32 COMMENT 'Attempts that failed since one succeeded'
) ENGINE = {{replicated}}ReplacingMergeTree(ran)
ORDER BY model
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'What labels.pull has fetched; read with FINAL';

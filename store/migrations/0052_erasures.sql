-- What was erased, by hashes alone: recovery, repairs and restores must not bring it back, and nobody may read here
-- whom it was about.

CREATE TABLE IF NOT EXISTS erasures {{on_cluster}} (
  id String COMMENT 'Id of the erasure',
  model LowCardinality(String) COMMENT 'Name of the model',
  kind LowCardinality(String) COMMENT 'prediction, tag or feature',
  name String COMMENT 'Tag or feature that names the subject; empty for a prediction',
  hashes Array(String) COMMENT 'SHA-256 over model, kind, name and value; for a prediction over model and id',
  asked DateTime64(3, 'UTC') COMMENT 'Wall time: rows accepted before it are meant',
  state LowCardinality(String) COMMENT 'begun: rows may still be there; done: they are gone',
  by String COMMENT 'Who asked for it',
  reason String COMMENT 'Why',
  hours Array(DateTime64(3, 'UTC')) COMMENT 'Hours of event time whose rollups are brought down to what is left',
  groups Array(Tuple(shard UInt16, n UInt64, predictions UInt64, labels UInt64, dead_letters UInt64)) COMMENT 'Rows by group, for those that recovery may count',
  counts Map(LowCardinality(String), UInt64) COMMENT 'Rows by table',
  finished Nullable(DateTime64(3, 'UTC')) COMMENT 'Wall time',
  revision UInt64 COMMENT 'The highest holds'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (model, id)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Predictions and subjects that were erased, named by hashes; read with FINAL';

CREATE TABLE IF NOT EXISTS erased_ids {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  id_sha String COMMENT 'SHA-256 over model and prediction id, hexadecimal',
  erasure String COMMENT 'Erasure that it belongs to',
  asked DateTime64(3, 'UTC') COMMENT 'As of the erasure'
) ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (model, id_sha, erasure)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Hashes of the ids of predictions that were erased';

-- Projections of the retrainer's journal, rebuilt from it by command.

CREATE TABLE IF NOT EXISTS retraining_runs {{on_cluster}} (
  id String COMMENT 'Id of the run',
  model LowCardinality(String) COMMENT 'Name of the model',
  at DateTime64(3, 'UTC') COMMENT 'Model time of the decision',
  trigger LowCardinality(String) COMMENT 'What asked for it',
  decision LowCardinality(String) COMMENT 'RETRAIN, RECALIBRATE, WAIT or INVESTIGATE',
  reason String COMMENT 'Why, in one sentence',
  step LowCardinality(String) COMMENT 'Where it stands: decided, dataset, training, judging, registered, staged, canary, promoted, rejected, rolled_back, failed or cancelled',
  champion LowCardinality(String) COMMENT 'Version that it is compared with',
  version LowCardinality(String) COMMENT 'Version that it made; empty before',
  verdict LowCardinality(String) COMMENT 'PASS, FAIL or INCONCLUSIVE; empty before it is judged',
  started DateTime64(3, 'UTC') COMMENT 'Wall time',
  finished Nullable(DateTime64(3, 'UTC')) COMMENT 'Wall time',
  promoted Nullable(DateTime64(3, 'UTC')) COMMENT 'Model time from which it serves all requests',
  updated DateTime64(3, 'UTC') COMMENT 'Wall time',
  revision UInt64 COMMENT 'The highest holds',
  detail String COMMENT 'JSON'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (model, id)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Retraining runs; read with FINAL';

CREATE TABLE IF NOT EXISTS retraining_checks {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  at DateTime64(3, 'UTC') COMMENT 'Model time of the check',
  trigger LowCardinality(String) COMMENT 'Which trigger was due',
  decision LowCardinality(String) COMMENT 'RETRAIN, RECALIBRATE, WAIT or INVESTIGATE',
  reason String COMMENT 'Why, in one sentence',
  run_id String COMMENT 'Run that it started; empty when none',
  numbers String COMMENT 'The numbers that led to it, as JSON',
  revision UInt64 COMMENT 'The highest holds',
  detail String COMMENT 'JSON'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (model, at, trigger)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Every decision about retraining, also those to wait; read with FINAL';

CREATE TABLE IF NOT EXISTS model_versions {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  version LowCardinality(String) COMMENT 'Version',
  status LowCardinality(String) COMMENT 'registered, staged, canary, serving, retired or rejected',
  kind LowCardinality(String) COMMENT 'onnx, command or endpoint',
  run_id String COMMENT 'Run that made it; empty when it was adopted',
  uri String COMMENT 'Where its files are',
  digest String COMMENT 'SHA-256 of its model',
  registered DateTime64(3, 'UTC') COMMENT 'Model time',
  promoted Nullable(DateTime64(3, 'UTC')) COMMENT 'Model time from which it serves all requests',
  retired Nullable(DateTime64(3, 'UTC')) COMMENT 'Model time from which it serves none',
  revision UInt64 COMMENT 'The highest holds',
  detail String COMMENT 'JSON'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (model, version)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Registry of versions; read with FINAL';

CREATE TABLE IF NOT EXISTS audit_log {{on_cluster}} (
  seq UInt64 COMMENT 'Number of the entry, from 1, without gaps',
  at DateTime64(3, 'UTC') COMMENT 'Model time',
  time DateTime64(3, 'UTC') COMMENT 'Wall time',
  actor String COMMENT 'Who acted',
  action LowCardinality(String) COMMENT 'What was done',
  model LowCardinality(String) COMMENT 'Name of the model',
  target String COMMENT 'Run or version that it was done to',
  reason String COMMENT 'Why',
  previous_hash String COMMENT 'Hash of the entry before',
  hash String COMMENT 'SHA-256 over this entry and the hash before',
  detail String COMMENT 'JSON'
) ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY seq
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Every action on a model, chained by hashes; read with FINAL';

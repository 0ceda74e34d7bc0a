-- What the analyzer keeps to go on where it stopped: references, checkpoints, actions, deliveries.

CREATE TABLE IF NOT EXISTS model_references {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  reference String COMMENT 'training_set/<digest> or window/<from>/<to>, as in reference_rollups',
  source String COMMENT 'File or span that it was read from',
  rows UInt64 COMMENT 'Rows',
  positives UInt64 COMMENT 'Rows whose label is the positive class',
  labelled UInt64 COMMENT 'Rows with a label',
  created DateTime64(3, 'UTC') COMMENT 'Wall time',
  revision UInt64 COMMENT 'The highest holds',
  detail String COMMENT 'JSON: features, segments, and per feature the design effect of its daily blocks'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (model, reference)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'References that were learnt; the newest of a model is in force; read with FINAL';

CREATE TABLE IF NOT EXISTS reference_staging {{on_cluster}} (
  reference String COMMENT 'Reference that is being read',
  time Nullable(DateTime64(3, 'UTC')) COMMENT 'Event time, where the file has it',
  num Map(LowCardinality(String), Float64) COMMENT 'Numeric features',
  cat Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Categorical features',
  tags Map(LowCardinality(String), LowCardinality(String)) COMMENT 'Declared segments',
  label LowCardinality(String) COMMENT 'Label; empty when there is none'
) ENGINE = {{replicated}}MergeTree
PARTITION BY reference
ORDER BY tuple()
COMMENT 'Rows of a reference while it is read; empty otherwise';

CREATE TABLE IF NOT EXISTS analyzer_checkpoints {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  through DateTime64(3, 'UTC') COMMENT 'Model time up to which every window is evaluated',
  memory String COMMENT 'JSON: open episodes and what the rules remember',
  revision UInt64 COMMENT 'The highest holds'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY model
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Where the analyzer goes on after a restart; read with FINAL';

CREATE TABLE IF NOT EXISTS alert_actions {{on_cluster}} (
  alert_id String COMMENT 'Id of the alert',
  seq UInt64 COMMENT 'Number of the action on this alert, from 1',
  action LowCardinality(String) COMMENT 'acknowledge or silence',
  by String COMMENT 'Who',
  at DateTime64(3, 'UTC') COMMENT 'Wall time',
  until Nullable(DateTime64(3, 'UTC')) COMMENT 'Wall time at which a silence ends',
  reason String COMMENT 'Why'
) ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (alert_id, seq)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'What people did about alerts; read with FINAL';

CREATE TABLE IF NOT EXISTS webhook_deliveries {{on_cluster}} (
  id String COMMENT 'Webhook id: alert and revision of its state; receivers drop repeats by it',
  model LowCardinality(String) COMMENT 'Name of the model',
  alert_id String COMMENT 'Id of the alert',
  url String COMMENT 'Where it goes',
  body String COMMENT 'What is sent, byte for byte',
  status LowCardinality(String) COMMENT 'queued, delivered, silenced or given_up',
  attempts UInt32 COMMENT 'Attempts so far',
  last_error String COMMENT 'Why the last attempt failed; empty when it did not',
  updated DateTime64(3, 'UTC') COMMENT 'Wall time',
  revision UInt64 COMMENT 'The highest holds'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY id
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Notifications and what became of them; read with FINAL';

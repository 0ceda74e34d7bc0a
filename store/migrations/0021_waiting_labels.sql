-- Labels whose prediction has not come are written down: to find them by comparing all labels with all
-- outcomes took more memory the more there were, until a collector could not start.

CREATE TABLE IF NOT EXISTS waiting_labels {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  id String COMMENT 'Id that the label names',
  prediction_time Nullable(DateTime64(3, 'UTC')) COMMENT 'When it says that it was predicted',
  met UInt8 COMMENT '1 once its prediction was found; 0 while it waits',
  noted DateTime64(3, 'UTC') COMMENT 'Wall time'
) ENGINE = {{replicated}}ReplacingMergeTree(met)
ORDER BY (model, id)
TTL toDateTime(noted) + toIntervalDay(7)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Labels that came before their predictions; read with FINAL';

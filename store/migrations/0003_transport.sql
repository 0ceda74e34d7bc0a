-- The collector's own books: groups, their owners, and what the models' clocks say.

CREATE TABLE IF NOT EXISTS ingest_groups {{on_cluster}} (
  shard UInt16 COMMENT 'Shard of the transport',
  n UInt64 COMMENT 'Number of the group, from 1, without gaps within a shard',
  epoch UInt64 COMMENT 'Epoch of the owner that formed it',
  frames Array(Tuple(spool String, lo UInt64, hi UInt64)) COMMENT 'Frames in it: spool and first and last seq',
  predictions UInt64 COMMENT 'Rows of predictions in it',
  labels UInt64 COMMENT 'Rows of labels in it',
  dead_letters UInt64 COMMENT 'Rows of dead letters in it',
  `from` DateTime64(3, 'UTC') COMMENT 'Smallest event time of its predictions',
  `to` DateTime64(3, 'UTC') COMMENT 'Largest event time of its predictions',
  labels_from DateTime64(3, 'UTC') COMMENT 'Smallest time of its labels',
  labels_to DateTime64(3, 'UTC') COMMENT 'Largest time of its labels',
  models Array(LowCardinality(String)) COMMENT 'Models that have rows in it',
  grids Map(LowCardinality(String), UInt16) COMMENT 'By model the newest grid that its rollups know',
  grains Map(LowCardinality(String), LowCardinality(String)) COMMENT 'By model the grain of its feature rollups: 1m, 1h or 1d',
  segments Map(LowCardinality(String), Array(String)) COMMENT 'By model the tags that make segments in its rollups',
  clocks Array(Tuple(model String, time_ms Int64)) COMMENT 'Clocks announced in its frames, in order: milliseconds, -1 for the wall',
  accepted DateTime64(3, 'UTC') COMMENT 'Wall time at which the newest of its frames was sealed',
  formed DateTime64(3, 'UTC') COMMENT 'Wall time'
) ENGINE = {{replicated}}MergeTree
ORDER BY (shard, n)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Which frames were stored together; the first row written for a group is the group';

CREATE TABLE IF NOT EXISTS segment_values {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  tag LowCardinality(String) COMMENT 'Declared tag',
  n UInt16 COMMENT 'Order of appearance, from 0; later values are counted as ~other',
  value String COMMENT 'Value of the tag'
) ENGINE = {{replicated}}MergeTree
ORDER BY (model, tag, n)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Values of declared tags that have rollups of their own; the first row written for a number holds';

CREATE TABLE IF NOT EXISTS groups_set_aside {{on_cluster}} (
  shard UInt16 COMMENT 'Shard of the transport',
  n UInt64 COMMENT 'Number of the group',
  at DateTime64(3, 'UTC') COMMENT 'Wall time',
  by String COMMENT 'Who said so',
  reason String COMMENT 'The error because of which it could not be stored'
) ENGINE = {{replicated}}MergeTree
ORDER BY (shard, n)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Groups that an operator skipped; their frames are dead letters';

CREATE TABLE IF NOT EXISTS shard_epochs {{on_cluster}} (
  shard UInt16 COMMENT 'Shard of the transport',
  epoch UInt64 COMMENT 'Grows with each change of owner; statements of older epochs are refused',
  owner String COMMENT 'Random id of the collector that took it',
  taken DateTime64(3, 'UTC') COMMENT 'Wall time'
) ENGINE = {{replicated}}MergeTree
ORDER BY (shard, epoch)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Who owns a shard; the fence of every insert of the collector';

CREATE TABLE IF NOT EXISTS model_clocks {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  clock LowCardinality(String) COMMENT 'wall or replay',
  time DateTime64(3, 'UTC') COMMENT 'Last announced time of a replay; 1970 for wall',
  updated DateTime64(3, 'UTC') COMMENT 'Wall time',
  revision UInt64 COMMENT 'The highest holds'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY model
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'The clock of every model that is or was in replay; read with FINAL';

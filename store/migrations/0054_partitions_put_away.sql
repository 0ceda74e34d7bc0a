-- Which partitions are not whole, since their rows were archived and dropped: nobody may compare rollups with what is
-- left of them, and a restore knows what it completes.

CREATE TABLE IF NOT EXISTS partitions_put_away {{on_cluster}} (
  `table` LowCardinality(String) COMMENT 'Table of the partition',
  `partition` String COMMENT 'Partition as the engine names it: 2026-03-01 or 202603',
  day_from Date COMMENT 'First day in it',
  day_to Date COMMENT 'Last day in it',
  state LowCardinality(String) COMMENT 'dropped: rows are missing; restored: they are back',
  rows UInt64 COMMENT 'Rows that were dropped or put back',
  by String COMMENT 'Who did it',
  at DateTime64(3, 'UTC') COMMENT 'Wall time',
  revision UInt64 COMMENT 'The highest holds'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (`table`, `partition`)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Partitions that were archived and dropped, and whether they were restored; read with FINAL';

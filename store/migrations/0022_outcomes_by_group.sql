-- Outcomes say with which group their label came: how many labels of a group have met their prediction is then a
-- count of one group's rows. To compare all of a group's labels with outcomes cost as much as joining them.

ALTER TABLE outcomes {{on_cluster}} ADD COLUMN IF NOT EXISTS
  _group UInt64 DEFAULT 0 COMMENT 'Group of its shard with which the label was stored; 0: before this was noted' CODEC(Delta, ZSTD(1));

ALTER TABLE outcomes {{on_cluster}} ADD COLUMN IF NOT EXISTS
  _shard UInt16 DEFAULT 0 COMMENT 'Shard of that group' CODEC(ZSTD(1));

ALTER TABLE outcomes {{on_cluster}} ADD INDEX IF NOT EXISTS by_group _group TYPE minmax GRANULARITY 1;

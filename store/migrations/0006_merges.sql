-- What the first runs under load taught: maps merge column by column, and a group is found by its number.

ALTER TABLE outcomes {{on_cluster}} MODIFY SETTING
  vertical_merge_algorithm_min_rows_to_activate = 1, vertical_merge_algorithm_min_columns_to_activate = 1;

ALTER TABLE labels {{on_cluster}} MODIFY SETTING
  vertical_merge_algorithm_min_rows_to_activate = 1, vertical_merge_algorithm_min_columns_to_activate = 1;

ALTER TABLE labels {{on_cluster}} ADD INDEX IF NOT EXISTS by_group _group TYPE minmax GRANULARITY 1;

ALTER TABLE predictions {{on_cluster}} ADD INDEX IF NOT EXISTS by_group _group TYPE minmax GRANULARITY 1;

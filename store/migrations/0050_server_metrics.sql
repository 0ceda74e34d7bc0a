-- What model servers say of themselves: from OTLP metrics, Prometheus endpoints, nvidia-smi and /proc.

CREATE TABLE IF NOT EXISTS server_metrics {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model; figures of a whole server stand once for each model that it serves',
  version LowCardinality(String) COMMENT 'Version of the model; empty when the server does not say',
  ts DateTime64(3, 'UTC') COMMENT 'When it was read; for what grows, the end of its time' CODEC(Delta, ZSTD(1)),
  instance LowCardinality(String) COMMENT 'Which copy of the server',
  source LowCardinality(String) COMMENT 'How it came: otlp, scrape or local',
  measure LowCardinality(String) COMMENT 'What it is, as docs/operations.md lists them; what grows (requests, errors, latency, …_seconds, …_count, tokens) as its growth since the sample before, everything else as its level',
  part LowCardinality(String) COMMENT 'Type of error, GPU, kind of token; empty for the whole',
  lower Float64 COMMENT 'Of measure latency: lower edge of the bucket in seconds, without it' CODEC(ZSTD(1)),
  upper Float64 COMMENT 'Of measure latency: upper edge of the bucket in seconds; inf for the last' CODEC(ZSTD(1)),
  value Float64 COMMENT 'Requests, seconds, bytes, cores, or a share of one' CODEC(ZSTD(1)),
  _spool LowCardinality(String) COMMENT 'Spool of the agent that accepted the row (32 hex digits)',
  _seq UInt64 COMMENT 'Frame of that spool which carried the row' CODEC(Delta, ZSTD(1)),
  _group UInt64 COMMENT 'Group of its shard with which the row was stored' CODEC(Delta, ZSTD(1)),
  _shard UInt16 COMMENT 'Shard of the transport' CODEC(ZSTD(1))
) ENGINE = {{replicated}}MergeTree
PARTITION BY toDate(ts)
ORDER BY (model, measure, ts)
SETTINGS {{deduplication}}, {{durable}}, ttl_only_drop_parts = 1
COMMENT 'What model servers say of themselves: requests, errors, latency, GPU, CPU, memory';

ALTER TABLE ingest_groups {{on_cluster}}
  ADD COLUMN IF NOT EXISTS server_metrics UInt64 COMMENT 'Rows of server metrics in it',
  ADD COLUMN IF NOT EXISTS metrics_from DateTime64(3, 'UTC') COMMENT 'Smallest time of its server metrics',
  ADD COLUMN IF NOT EXISTS metrics_to DateTime64(3, 'UTC') COMMENT 'Largest time of its server metrics';

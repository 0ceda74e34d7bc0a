-- What the analyzer found: results, findings, alerts, and the documents that say what it watches.

CREATE TABLE IF NOT EXISTS models {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  status LowCardinality(String) COMMENT 'active or retired',
  document String COMMENT 'Onboarding document as JSON',
  updated DateTime64(3, 'UTC') COMMENT 'Wall time of the change',
  by String COMMENT 'Who changed it',
  revision UInt64 COMMENT 'The highest holds',
  detail String COMMENT 'JSON'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY model
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Onboarding documents; read with FINAL';

CREATE TABLE IF NOT EXISTS drift_results {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  kind LowCardinality(String) COMMENT 'feature, prediction or multivariate',
  `from` DateTime64(3, 'UTC') COMMENT 'Start of the window',
  `to` DateTime64(3, 'UTC') COMMENT 'End of the window',
  feature LowCardinality(String) COMMENT 'Name of the feature; empty for multivariate',
  segment_tag LowCardinality(String) COMMENT 'Tag of the segment; empty: all rows',
  segment_value LowCardinality(String) COMMENT 'Value of that tag; empty: all rows',
  version LowCardinality(String) COMMENT 'Version of the model; empty: all versions',
  reference LowCardinality(String) COMMENT 'What the window was compared with',
  verdict LowCardinality(String) COMMENT 'drift, none or insufficient',
  reason String COMMENT 'Why the verdict is what it is',
  n Int64 COMMENT 'Rows in the window',
  reference_n Int64 COMMENT 'Rows in the reference',
  p_value Float64 COMMENT 'Of the joint test at the effective sample size; NaN: not computed',
  effect Float64 COMMENT 'Size of the effect that the verdict rests on; NaN: not computed',
  threshold Float64 COMMENT 'Least effect that matters',
  psi Float64 COMMENT 'Population stability index; NaN: not computed',
  js Float64 COMMENT 'Jensen-Shannon distance; NaN: not computed',
  ks Float64 COMMENT 'Kolmogorov-Smirnov distance; NaN: not computed',
  chi2 Float64 COMMENT 'Two-sample chi-square; NaN: not computed',
  wasserstein Float64 COMMENT 'Wasserstein distance over the standard deviation of the reference; NaN: not computed',
  evaluated DateTime64(3, 'UTC') COMMENT 'Model time of the evaluation',
  revision UInt64 COMMENT 'The highest holds; late data make a new one',
  detail String COMMENT 'JSON'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (model, kind, `to`, `from`, feature, segment_tag, segment_value, version)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Verdict of every window and feature; read with FINAL';

CREATE TABLE IF NOT EXISTS performance_results {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name of the model',
  kind LowCardinality(String) COMMENT 'realised or estimated',
  metric LowCardinality(String) COMMENT 'Name of the metric',
  `from` DateTime64(3, 'UTC') COMMENT 'Start of the window',
  `to` DateTime64(3, 'UTC') COMMENT 'End of the window',
  segment_tag LowCardinality(String) COMMENT 'Tag of the segment; empty: all rows',
  segment_value LowCardinality(String) COMMENT 'Value of that tag; empty: all rows',
  version LowCardinality(String) COMMENT 'Version of the model; empty: all versions',
  value Float64 COMMENT 'Value of the metric; NaN: not computed',
  lower Float64 COMMENT 'Lower end of the 95 % interval',
  upper Float64 COMMENT 'Upper end of the 95 % interval',
  n Int64 COMMENT 'Predictions in the window',
  labelled Int64 COMMENT 'Of these with a label',
  blocks Int64 COMMENT 'Time blocks that the interval is clustered by',
  evaluated DateTime64(3, 'UTC') COMMENT 'Model time of the evaluation',
  revision UInt64 COMMENT 'The highest holds; late labels make a new one',
  detail String COMMENT 'JSON'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (model, kind, metric, `to`, `from`, segment_tag, segment_value, version)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Quality of the predictions by window, with and without labels; read with FINAL';

CREATE TABLE IF NOT EXISTS alerts {{on_cluster}} (
  id String COMMENT 'Id of the alert',
  model LowCardinality(String) COMMENT 'Name of the model',
  kind LowCardinality(String) COMMENT 'calibration, performance, drift, prediction-drift, data-break, quality, error-share, latency, volume, no-traffic, no-labels, blind-agent or self',
  cause LowCardinality(String) COMMENT 'data, inputs, model, world or unknown',
  severity LowCardinality(String) COMMENT 'page, ticket or info',
  state LowCardinality(String) COMMENT 'pending, firing or resolved',
  `from` DateTime64(3, 'UTC') COMMENT 'Since when it is so',
  `to` Nullable(DateTime64(3, 'UTC')) COMMENT 'Until when; null while it lasts',
  at DateTime64(3, 'UTC') COMMENT 'Model time of this change of state',
  title String COMMENT 'One line',
  text String COMMENT 'The full text as it was sent',
  acknowledged Nullable(DateTime64(3, 'UTC')) COMMENT 'Wall time of the acknowledgement',
  silenced_until Nullable(DateTime64(3, 'UTC')) COMMENT 'Wall time until which nobody is told',
  revision UInt64 COMMENT 'The highest holds; each change of state is one',
  detail String COMMENT 'JSON'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (model, id)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'What was found to be wrong; read with FINAL';

CREATE TABLE IF NOT EXISTS changes {{on_cluster}} (
  id String COMMENT 'Id of the change',
  model LowCardinality(String) COMMENT 'Name of the model; empty: all models',
  time DateTime64(3, 'UTC') COMMENT 'When it happened',
  kind LowCardinality(String) COMMENT 'deploy, schema, upstream and so on',
  title String COMMENT 'One line',
  url String COMMENT 'Where to read more',
  by String COMMENT 'Who did it',
  created DateTime64(3, 'UTC') COMMENT 'Wall time of the entry',
  revision UInt64 COMMENT 'The highest holds',
  detail String COMMENT 'JSON'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (model, time, id)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Changes made elsewhere, to stand beside the curves; read with FINAL';

CREATE TABLE IF NOT EXISTS quarantine {{on_cluster}} (
  id String COMMENT 'Id of the entry',
  model LowCardinality(String) COMMENT 'Name of the model',
  tag LowCardinality(String) COMMENT 'Tag of the rows kept out; empty: all rows',
  values Array(String) COMMENT 'Values of that tag',
  `from` DateTime64(3, 'UTC') COMMENT 'Event time from which rows are kept out',
  `to` DateTime64(3, 'UTC') COMMENT 'Event time before which rows are kept out; 2299 while it is open',
  columns Array(String) COMMENT 'Features that are broken',
  reason String COMMENT 'Why, in one sentence',
  finding String COMMENT 'The finding as JSON',
  rows UInt64 COMMENT 'Rows kept out',
  created DateTime64(3, 'UTC') COMMENT 'Model time at which it was opened',
  released Nullable(DateTime64(3, 'UTC')) COMMENT 'When a person ended it',
  revision UInt64 COMMENT 'The highest holds',
  detail String COMMENT 'JSON'
) ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY (model, id)
SETTINGS {{deduplication}}, {{durable}}
COMMENT 'Rows kept out of every data set; read with FINAL';

/** Counters and gauges of the collector. */
import type { Metrics } from "../runtime/metrics.ts";

export function collectorMetrics(metrics: Metrics) {
  const shard = ["shard"] as const;
  return {
    frames: metrics.counter("frames_total", "Frames taken into groups", shard),
    framesKnown: metrics.counter("frames_known_total", "Frames that were there already", shard),
    framesAhead: metrics.counter("frames_ahead_total", "Frames that came before their turn", shard),
    framesLost: metrics.counter(
      "frames_lost_total",
      "Frames that agents were told to be stored and that our tables do not have",
      shard,
    ),
    wants: metrics.counter("wants_total", "Times that a spool was asked to send again", shard),
    groups: metrics.counter("groups_total", "Groups stored", shard),
    groupFailures: metrics.counter("group_failures_total", "Attempts that failed", shard),
    groupSeconds: metrics.histogram(
      "group_seconds",
      "Seconds from forming a group to its last row",
      [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      shard,
    ),
    rows: metrics.counter("rows_total", "Rows stored", ["shard", "table"]),
    deadLetters: metrics.counter("dead_letters_total", "Dead letters of the collector", ["reason"]),
    uncounted: metrics.counter(
      "rollup_values_uncounted_total",
      "Values without rollup because their model has too many features",
    ),
    repairs: metrics.counter("rollup_repairs_total", "Rollup cells that had to be repaired"),
    erasures: metrics.counter("erasures_total", "Predictions and subjects that were erased"),
    erasedCells: metrics.counter(
      "erased_rollup_cells_total",
      "Rollup cells that were brought down after an erasure",
    ),
    mendedRows: metrics.counter("mended_rows_total", "Rows that recovery had to insert again"),
    duplicateIds: metrics.counter(
      "duplicate_ids_total",
      "Predictions whose id another prediction of their hour has",
    ),
    waitingLabels: metrics.gauge("waiting_labels", "Labels whose prediction has not come", shard),
    labelPulls: metrics.counter("label_pulls_total", "Pulls of labels, by how they ended", [
      "outcome",
    ]),
    tableBytes: metrics.gauge("table_bytes", "Bytes of the tables, where they have a budget"),
    lag: metrics.gauge("stream_lag_messages", "Frames of the stream that are not read yet", shard),
  };
}

export type CollectorMetrics = ReturnType<typeof collectorMetrics>;

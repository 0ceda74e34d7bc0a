/** What every model did by minute, version, segment and error: predictions and their latencies. */
import type { SegmentValues } from "../model-settings.ts";
import type { PredictionColumns } from "../prediction-columns.ts";
import { Cohorts } from "./cohorts.ts";
import type { RowSegments } from "./declared-segments.ts";
import { assignCohorts } from "./row-cohorts.ts";

const MINUTE_MS = 60_000;

export class ModelRollup {
  readonly cohorts = new Cohorts();
  /** By cohort. */
  readonly counts: number[] = [];
  readonly latencyCounts: number[] = [];
  readonly latencySums: number[] = [];

  add(
    columns: PredictionColumns,
    model: string,
    rows: Uint32Array,
    segments: readonly RowSegments[],
    segmentValues: SegmentValues,
  ): void {
    const rowCohorts = assignCohorts(
      {
        columns,
        model,
        rows,
        segments,
        grainMs: MINUTE_MS,
        onlyWithoutError: false,
        cohorts: this.cohorts,
      },
      segmentValues,
    );
    for (let made = this.counts.length; made < this.cohorts.all.length; made++) {
      this.counts.push(0);
      this.latencyCounts.push(0);
      this.latencySums.push(0);
    }
    for (const cohorts of rowCohorts) {
      for (let i = 0; i < rows.length; i++) {
        const cohort = cohorts[i]!;
        if (cohort < 0) continue;
        this.counts[cohort]! += 1;
        const latency = columns.latency[rows[i]!]!;
        if (Number.isNaN(latency)) continue;
        this.latencyCounts[cohort]! += 1;
        this.latencySums[cohort]! += latency;
      }
    }
  }
}

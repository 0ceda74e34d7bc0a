/**
 * Settings that every INSERT carries, whatever the server's defaults are. A repeated insert is skipped
 * only when it cuts its rows into the same blocks under the same token, views included; a renamed
 * column or a null where none may be must be an error, not silence.
 */
import { randomUUID } from "node:crypto";
import type { ClickHouseSettings } from "@clickhouse/client";

export interface InsertOptions {
  /** Names the insert: sent again with the same rows it stores nothing. Without one it is not retried. */
  readonly token?: string;
  /** Stands before the name in `log_comment`, so that statements of one owner can be told. */
  readonly marker?: string;
  /** The embedded engine writes in two lanes; what nobody waits for belongs into `backlog`. */
  readonly lane?: "live" | "backlog";
}

const LANE_HEADER = "x-driftmend-lane";

/** What a ClickHouse server ignores and the embedded endpoint heeds. */
export function insertHeaders(options: InsertOptions | undefined): Record<string, string> {
  return options?.lane === undefined ? {} : { [LANE_HEADER]: options.lane };
}

/** A group is one block: at most this many rows or bytes. */
const BLOCK_ROWS = 1_048_576;
const BLOCK_BYTES = 268_435_456;

export function insertSettings(
  name: string,
  options: InsertOptions | undefined,
): ClickHouseSettings {
  const marker = options?.marker === undefined ? "" : `${options.marker} `;
  return {
    log_comment: `${marker}${name}`,
    async_insert: 0,
    insert_deduplicate: 1,
    // Without a token equal rows would be skipped by their hash, in newer engines whatever
    // `insert_deduplicate` says: a token of its own makes an insert mean what it says.
    insert_deduplication_token: options?.token ?? randomUUID(),
    deduplicate_blocks_in_dependent_materialized_views: 1,
    max_insert_block_size: String(BLOCK_ROWS),
    min_insert_block_size_rows: String(BLOCK_ROWS),
    min_insert_block_size_bytes: String(BLOCK_BYTES),
    max_insert_threads: "1",
    // Merging each block by itself before it is written costs more than the merges to come.
    optimize_on_insert: 0,
    // Old events are many days; what a group touches is bounded by the collector.
    max_partitions_per_insert_block: "2000",
    input_format_skip_unknown_fields: 0,
    input_format_null_as_default: 0,
    input_format_parallel_parsing: 0,
    date_time_input_format: "best_effort",
  };
}

/**
 * Settings that every INSERT carries, whatever the server's defaults are. A repeated insert is skipped
 * only when it cuts its rows into the same blocks under the same token, views included; a renamed
 * column or a null where none may be must be an error, not silence.
 */
import type { ClickHouseSettings } from "@clickhouse/client";

/** A group is one block: at most this many rows or bytes. */
const BLOCK_ROWS = 1_048_576;
const BLOCK_BYTES = 268_435_456;

export function insertSettings(name: string, token: string | undefined): ClickHouseSettings {
  return {
    log_comment: name,
    async_insert: 0,
    insert_deduplicate: 1,
    deduplicate_blocks_in_dependent_materialized_views: 1,
    ...(token === undefined ? {} : { insert_deduplication_token: token }),
    max_insert_block_size: String(BLOCK_ROWS),
    min_insert_block_size_rows: String(BLOCK_ROWS),
    min_insert_block_size_bytes: String(BLOCK_BYTES),
    max_insert_threads: "1",
    input_format_skip_unknown_fields: 0,
    input_format_null_as_default: 0,
    input_format_parallel_parsing: 0,
    date_time_input_format: "best_effort",
  };
}

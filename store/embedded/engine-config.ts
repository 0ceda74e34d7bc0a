/**
 * The engine's own configuration for a small machine: a cap on its memory, caches that fit under
 * it, and background pools sized by cores, since merges share them with inserts. One XML file per
 * data directory.
 */
export interface EngineTuning {
  readonly memoryBytesMax: number;
  readonly cores: number;
}

export function renderEngineConfig(tuning: EngineTuning): string {
  const mib = 1024 * 1024;
  const cache = (share: number, mibMax: number): number =>
    Math.min(mibMax * mib, Math.floor(tuning.memoryBytesMax * share));
  const values: Readonly<Record<string, number>> = {
    max_server_memory_usage: tuning.memoryBytesMax,
    mark_cache_size: cache(0.05, 64),
    index_mark_cache_size: cache(0.01, 16),
    primary_index_cache_size: cache(0.05, 64),
    uncompressed_cache_size: 0,
    index_uncompressed_cache_size: 0,
    mmap_cache_size: 0,
    compiled_expression_cache_size: cache(0.02, 16),
    query_condition_cache_size: cache(0.01, 8),
    background_pool_size: Math.max(2, Math.min(8, tuning.cores)),
    background_merges_mutations_concurrency_ratio: 1,
    background_schedule_pool_size: 8,
    background_common_pool_size: 2,
    background_move_pool_size: 1,
    background_fetches_pool_size: 1,
    background_message_broker_schedule_pool_size: 1,
    background_distributed_schedule_pool_size: 1,
    background_buffer_flush_schedule_pool_size: 1,
    tables_loader_foreground_pool_size: 2,
    tables_loader_background_pool_size: 1,
    max_thread_pool_size: 400,
    max_thread_pool_free_size: 16,
  };
  const lines = Object.entries(values).map(([name, value]) => `  <${name}>${value}</${name}>`);
  // A pool of few threads must still be allowed to mutate and to merge large parts.
  const mergeTree = [
    "number_of_free_entries_in_pool_to_execute_mutation",
    "number_of_free_entries_in_pool_to_lower_max_size_of_merge",
    "number_of_free_entries_in_pool_to_execute_optimize_entire_partition",
  ].map((name) => `    <${name}>1</${name}>`);
  return [
    "<clickhouse>",
    ...lines,
    "  <merge_tree>",
    ...mergeTree,
    "  </merge_tree>",
    "</clickhouse>",
    "",
  ].join("\n");
}

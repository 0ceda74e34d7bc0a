/**
 * Settings of a request, and how they reach the engine: names are checked against the engine's own
 * list, since they enter a statement; values only as quoted strings. One prologue prepares a fresh
 * session.
 */
import type { Role } from "./authenticate.ts";
import { type EngineException, exception } from "./exception.ts";
import { quoteIdentifier, quoteString } from "./quote-sql.ts";

/** What a reading account may set: presentation, its own limits and what Grafana's macros need. */
const READER_SETTINGS: ReadonlySet<string> = new Set([
  "additional_result_filter",
  "additional_table_filters",
  "cancel_http_readonly_queries_on_client_close",
  "date_time_output_format",
  "enable_http_compression",
  "extremes",
  "final",
  "http_zlib_compression_level",
  "joined_subquery_requires_alias",
  "limit",
  "log_comment",
  "max_block_size",
  "max_execution_time",
  "max_result_bytes",
  "max_result_rows",
  "max_rows_to_read",
  "max_threads",
  "offset",
  "optimize_read_in_order",
  "query_cache_ttl",
  "result_overflow_mode",
  "send_progress_in_http_headers",
  "session_timezone",
  "timeout_before_checking_execution_speed",
  "use_query_cache",
]);
const READER_PREFIXES = ["output_format_", "http_headers_progress", "join_use_nulls"];
/** Has a reader's prefix and names a file that is written. */
const WRITES_FILE = "output_format_schema";
/** Values that are expressions: the engine runs them, and no syntax tree of the statement shows them. */
const FILTERS: ReadonlySet<string> = new Set([
  "additional_result_filter",
  "additional_table_filters",
]);

/** Handled by the endpoint, or without meaning here: never given to the engine. */
const NOT_FOR_ENGINE: ReadonlySet<string> = new Set([
  "log_comment",
  "readonly",
  "enable_http_compression",
  "http_zlib_compression_level",
  "send_progress_in_http_headers",
  "http_headers_progress_interval_ms",
  "cancel_http_readonly_queries_on_client_close",
  "http_native_compression_disable_checksumming_on_decompress",
  "http_wait_end_of_query",
]);

/** What a reading account may not do with this setting, or undefined. */
export function readerProblem(name: string, value: string): string | undefined {
  if (!readerMaySet(name)) return `set "${name}"`;
  if (!FILTERS.has(name) || isPlainFilter(value)) return undefined;
  return `use parentheses in "${name}" other than for IN (...)`;
}

function readerMaySet(name: string): boolean {
  if (name === WRITES_FILE) return false;
  return READER_SETTINGS.has(name) || READER_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/**
 * Comparisons only: whatever reaches outside the tables is a call, and a call needs a parenthesis. One
 * after IN begins a list; no line may end between the two, since a comment could stand before it. An
 * escape other than of a quote or a backslash could hide one.
 */
function isPlainFilter(value: string): boolean {
  if (/\\[^'\\]/.test(value.replaceAll("\\\\", ""))) return false;
  return !value.replaceAll(/\bIN[ \t]*\(/gi, "").includes("(");
}

/** The first thing wrong with a request's settings, or undefined. `known`: every name in system.settings. */
export function settingsProblem(
  settings: Iterable<readonly [name: string, value: string]>,
  known: ReadonlySet<string>,
  role: Role,
): EngineException | undefined {
  for (const [name, value] of settings) {
    if (!known.has(name)) {
      return exception(
        "UNKNOWN_SETTING",
        `Setting ${name} is neither a builtin setting nor started with the prefix 'param_'`,
      );
    }
    const problem = role === "reader" ? readerProblem(name, value) : undefined;
    if (problem !== undefined) {
      return exception("READONLY", `This account may only read: it may not ${problem}`);
    }
  }
  return undefined;
}

const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface Prologue {
  readonly database: string | undefined;
  readonly parameters: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<string, string>;
  /** Ends the query's log_comment: what a KILL looks for. */
  readonly killTag: string;
  readonly readonly: boolean;
}

/** Statements that prepare a session, ending in ";", and those that undo them in a named one. */
export function renderPrologue(prologue: Prologue): { before: string; after: string } {
  const assignments: string[] = [];
  const resets: string[] = [];
  for (const [name, value] of prologue.settings) {
    if (NOT_FOR_ENGINE.has(name)) continue;
    assignments.push(`${name} = ${quoteString(value)}`);
    resets.push(`${name} = DEFAULT`);
  }
  for (const [name, value] of prologue.parameters) {
    if (!PARAMETER_NAME.test(name)) {
      throw exception("BAD_ARGUMENTS", `Cannot use "${name}" as the name of a query parameter`);
    }
    assignments.push(`param_${name} = ${quoteString(value)}`);
  }
  const comment = `${prologue.settings.get("log_comment") ?? ""}${prologue.killTag}`;
  assignments.push(`log_comment = ${quoteString(comment)}`);
  resets.push("log_comment = DEFAULT");
  if (prologue.readonly) assignments.push("readonly = 2");
  const use = prologue.database === undefined ? "" : `USE ${quoteIdentifier(prologue.database)};`;
  return {
    before: `${use}SET ${assignments.join(", ")};`,
    after: prologue.readonly ? "" : `SET ${resets.join(", ")}`,
  };
}

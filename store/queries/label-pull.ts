/** Statements of `labels.pull`: how the engine reads one, what it answers by page, and how far it came. */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import { defineQuery, placeholdersOf } from "../define-query.ts";

/** The statement as the engine prints it: one, without comments. */
export const formattedStatement = defineQuery({
  name: "label pull: format",
  params: z.object({ text: z.string() }),
  row: z.object({ text: z.string() }),
  sql: "SELECT formatQuery({text:String}) AS text",
});

/** Every table function that the engine has. */
export const tableFunctions = defineQuery({
  name: "table functions",
  params: z.object({}),
  row: z.object({ name: z.string() }),
  sql: "SELECT name FROM system.table_functions",
});

/** Values of the placeholders that a statement may have. */
export interface PullParams {
  /** Milliseconds since 1970. */
  readonly watermark: number;
  readonly [secret: `secret_${string}`]: string;
}

/** Its syntax tree, line by line. */
export function statementTree(statement: string) {
  return defineQuery({
    name: "label pull: parse",
    params: paramsOf(statement),
    row: z.object({ explain: z.string() }),
    sql: `EXPLAIN AST ${statement}`,
  });
}

/**
 * Its rows after a moment, oldest first, for `stream` as JSONEachRow: at most `rows`, and those of the last one's
 * moment. `pulled_ms` is its column `time` in milliseconds.
 */
export function pulledPage(statement: string, secondsMax: number) {
  return defineQuery({
    name: "label pull",
    params: paramsOf(statement).extend({ afterMs: z.int(), rows: z.int() }),
    row: z.record(z.string(), z.unknown()),
    sql: `SELECT *, toUnixTimestamp64Milli(toDateTime64(pulled.time, 3, 'UTC')) AS pulled_ms
FROM (${statement}) AS pulled
WHERE toDateTime64(pulled.time, 3, 'UTC') > {afterMs:DateTime64(3, 'UTC')}
ORDER BY pulled_ms LIMIT {rows:UInt64} WITH TIES
SETTINGS max_execution_time = ${secondsMax}, date_time_output_format = 'iso', output_format_json_quote_64bit_integers = 1`,
  });
}

/** What the statement asks for, of what there is. */
export function paramsFor(
  statement: string,
  params: PullParams,
): Readonly<Record<string, number | string>> {
  const wanted = [...placeholdersOf(statement).keys()];
  return Object.fromEntries(Object.entries(params).filter(([name]) => wanted.includes(name)));
}

function paramsOf(statement: string) {
  const names = [...placeholdersOf(statement).keys()];
  const shape: Record<string, z.ZodInt | z.ZodString> = {};
  for (const name of names) shape[name] = name === "watermark" ? z.int() : z.string();
  return z.object(shape);
}

/** How far each model's pull came. */
export const labelPulls = defineQuery({
  name: "label pulls",
  params: z.object({}),
  row: z.object({
    model: z.string(),
    source: z.string(),
    watermark: timeMs,
    ran: timeMs,
    pulled: timeMs,
    rows: count,
    rows_total: count,
    refused: count,
    error: z.string(),
    failures: count,
  }),
  sql: `SELECT model, source, watermark, ran, pulled, rows, rows_total, refused, error, failures
FROM label_pulls FINAL ORDER BY model`,
});

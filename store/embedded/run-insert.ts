/**
 * INSERT with data: the body goes to a file first, so that an upload that breaks off inserts
 * nothing and a slow one holds no lane; the engine then reads the file in any of its formats.
 */
import type { ServerResponse } from "node:http";
import type { EndpointContext } from "./endpoint-context.ts";
import { collect } from "./engine-pool.ts";
import type { EngineJob } from "./engine-protocol.ts";
import { exception } from "./exception.ts";
import { isFormatName } from "./format.ts";
import { quoteString } from "./quote-sql.ts";
import { writeBody } from "./request-body.ts";
import { sendWhole } from "./respond.ts";
import type { Ask, Plan } from "./ask.ts";
import { renderSummary } from "./summary.ts";
import type { Statement } from "./statement.ts";

type InsertStatement = Extract<Statement, { kind: "insert-data" | "insert-input" }>;

export async function runInsert(
  ask: Ask,
  statement: InsertStatement,
  plan: Plan,
  response: ServerResponse,
  context: EndpointContext,
): Promise<void> {
  const { limits, spool } = context;
  const format = statement.format ?? ask.asked.defaultFormat;
  if (format === undefined || !isFormatName(format)) {
    throw exception("BAD_ARGUMENTS", "An INSERT must name the FORMAT of its data");
  }
  const { first, rest, sizeHint } = ask.data;
  const path = spool.newFile({ bytes: sizeHint, bytesMax: limits.insertBytesMax });
  try {
    const size = await writeBody(path, first, rest, limits.insertBytesMax);
    // A file of Parquet cannot be empty, a body of no rows can.
    const sql = insertFromFile(statement, size === 0 ? "Values" : format, path);
    const job: EngineJob = {
      before: plan.before,
      sql,
      format: "Null",
      mode: "whole",
      session: plan.session,
    };
    const run = context.pool.run(plan.lane, job, { signal: ask.gone, killTag: plan.killTag });
    const { summary } = await collect(run);
    await context.tables.settle();
    response.setHeader("X-ClickHouse-Summary", renderSummary(summary, true));
    response.setHeader("Content-Type", "text/plain; charset=UTF-8");
    sendWhole(response, Buffer.alloc(0));
  } finally {
    spool.remove(path);
  }
}

/**
 * The same INSERT, reading its data from a file: FROM INFILE, or file() in the place of input().
 */
export function insertFromFile(statement: InsertStatement, format: string, path: string): string {
  const file = quoteString(path);
  if (statement.kind === "insert-input") {
    const call = `file(${file}, ${quoteString(format)}, ${statement.structure})`;
    return `${statement.before}${call}${statement.after}`;
  }
  const settings = statement.settings === "" ? "" : ` SETTINGS ${statement.settings}`;
  return `${statement.target} FROM INFILE ${file} COMPRESSION 'none'${settings} FORMAT ${format}`;
}

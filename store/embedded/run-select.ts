/**
 * SELECT: streamed block by block where the format allows it, else through a file that the engine
 * writes (bounded, since it may be memory). A client that goes has its query killed.
 */
import { statSync } from "node:fs";
import type { ServerResponse } from "node:http";
import type { EndpointContext } from "./endpoint-context.ts";
import { collect } from "./engine-pool.ts";
import type { EngineJob } from "./engine-protocol.ts";
import { exception } from "./exception.ts";
import { isConcatenable, isFormatName } from "./format.ts";
import { describeFailure } from "./describe-failure.ts";
import { GO_HELLO, renderGoHello, renderNativeHeader } from "./native-bytes.ts";
import { quoteString } from "./quote-sql.ts";
import { type ReplyShape, sendChunks, sendFile, sendWhole, writeHeaders } from "./respond.ts";
import type { Ask, Plan } from "./ask.ts";
import { renderSummary } from "./summary.ts";

export async function runSelect(
  ask: Ask,
  statement: { readonly sql: string; readonly format: string | undefined },
  plan: Plan,
  response: ServerResponse,
  context: EndpointContext,
): Promise<void> {
  const format = statement.format ?? ask.asked.defaultFormat ?? "TabSeparated";
  if (!isFormatName(format)) throw exception("UNKNOWN_FORMAT", `Unknown format ${format}`);
  const tag = context.newId().replaceAll("-", "").slice(0, 16);
  const shape: ReplyShape = { format, coding: ask.coding, tag };
  if (ask.asked.goRevision > 0 && ask.text.trim() === GO_HELLO) {
    const { version, timezone } = context.facts;
    writeHeaders(response, shape);
    return sendWhole(response, renderGoHello({ name: context.displayName, version, timezone }));
  }
  if (ask.asked.waitForEnd || !isConcatenable(format)) {
    return selectThroughFile(ask, statement.sql, shape, plan, response, context);
  }
  const job: EngineJob = {
    before: plan.before,
    sql: statement.sql,
    format,
    mode: "stream",
    session: plan.session,
  };
  const chunks = context.pool.run(plan.lane, job, { signal: ask.gone, killTag: plan.killTag });
  const { bytes } = await sendChunks(response, chunks, shape, replyDeps(context));
  if (bytes > 0 || response.writableEnded || response.destroyed) return;
  writeHeaders(response, shape);
  const header = format === "Native" ? await emptyNative(statement.sql, ask, plan, context) : "";
  sendWhole(response, Buffer.from(header));
}

async function selectThroughFile(
  ask: Ask,
  sql: string,
  shape: ReplyShape,
  plan: Plan,
  response: ServerResponse,
  context: EndpointContext,
): Promise<void> {
  const bytesMax = context.limits.resultFileBytesMax;
  const path = context.spool.newFile({ bytes: undefined, bytesMax });
  const tooLarge = new AbortController();
  const stopWatching = context.clock.every(WATCH_EVERY_MS, () => {
    if (fileBytes(path) > bytesMax) tooLarge.abort();
  });
  const job: EngineJob = {
    before: plan.before,
    sql: `${sql} INTO OUTFILE ${quoteString(path)} COMPRESSION 'none' FORMAT ${shape.format}`,
    format: "Null",
    mode: "whole",
    session: plan.session,
  };
  try {
    const signal = AbortSignal.any([ask.gone, tooLarge.signal]);
    const run = context.pool.run(plan.lane, job, { signal, killTag: plan.killTag });
    const { summary } = await collect(run).catch((error: unknown) => {
      throw tooLarge.signal.aborted ? resultTooLarge(bytesMax, shape.format) : error;
    });
    if (fileBytes(path) > bytesMax) throw resultTooLarge(bytesMax, shape.format);
    response.setHeader("X-ClickHouse-Summary", renderSummary(summary, false));
    await sendFile(response, path, shape, replyDeps(context));
  } finally {
    stopWatching();
    context.spool.remove(path);
  }
}

const WATCH_EVERY_MS = 100;

function resultTooLarge(bytesMax: number, format: string): Error {
  return exception(
    "TOO_MANY_BYTES",
    `A result in format ${format} may have at most ${bytesMax} bytes: ask for less, or in a format that streams (Native, JSONEachRow, CSV, TabSeparated, RowBinary)`,
  );
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The engine emits nothing for no rows; Grafana then has no columns to show. */
async function emptyNative(
  sql: string,
  ask: Ask,
  plan: Plan,
  context: EndpointContext,
): Promise<Buffer> {
  const job: EngineJob = {
    before: plan.before,
    sql: `DESCRIBE TABLE (${sql})`,
    format: "JSONCompactEachRow",
    mode: "stream",
    session: plan.session,
  };
  const run = context.pool.run(plan.lane, job, { signal: ask.gone, killTag: plan.killTag });
  const { bytes } = await collect(run);
  const columns = bytes
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [name, type] = JSON.parse(line) as [string, string];
      return { name, type };
    });
  return renderNativeHeader(columns);
}

function replyDeps(context: EndpointContext) {
  return {
    clock: context.clock,
    describe: (error: unknown) => describeFailure(error, context),
    version: context.facts.version,
  };
}

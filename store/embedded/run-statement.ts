/**
 * Routes one statement: which lane runs it, in which session, and in what form its result travels.
 */
import type { ServerResponse } from "node:http";
import type { Ask, Plan } from "./ask.ts";
import type { EndpointContext } from "./endpoint-context.ts";
import { collect } from "./engine-pool.ts";
import type { EngineJob } from "./engine-protocol.ts";
import { exception } from "./exception.ts";
import type { LaneName } from "./lane-queues.ts";
import { renderSummary } from "./summary.ts";
import { sendWhole, writeHeaders } from "./respond.ts";
import { runInsert } from "./run-insert.ts";
import { runSelect } from "./run-select.ts";
import { limitReader } from "./reader-limits.ts";
import { renderPrologue } from "./settings.ts";
import { parseStatement, type Statement } from "./statement.ts";
import { vetForReader } from "./vet-for-reader.ts";

export async function runStatement(
  ask: Ask,
  response: ServerResponse,
  context: EndpointContext,
): Promise<void> {
  const { asked, role, user } = ask;
  const plan = makePlan(ask, context);
  if (asked.session === undefined) return route(ask, plan, response, context);
  const { timeoutSeconds, mustExist } = asked.session;
  const key = `${user}/${asked.session.id}`;
  const use = context.sessions.begin(key, timeoutSeconds, mustExist);
  try {
    const after = role === "reader" ? "" : (plan.session?.after ?? "");
    return await route(ask, { ...plan, session: { key, after } }, response, context);
  } finally {
    use.end();
  }
}

async function route(
  ask: Ask,
  plan: Plan,
  response: ServerResponse,
  context: EndpointContext,
): Promise<void> {
  const { statement } = ask;
  switch (statement.kind) {
    case "refused":
      throw statement.error;
    case "insert-data":
    case "insert-input":
      refuseReadonly(ask);
      return runInsert(ask, statement, plan, response, context);
    case "command":
      refuseReadonly(ask);
      return runWhole(ask, statement.sql, "TabSeparated", plan, response, context);
    case "select":
    case "show":
      break;
  }
  const vetted = ask.role === "reader" ? await vetReading(ask, context) : statement;
  if (vetted.kind === "select") return runSelect(ask, vetted, plan, response, context);
  return runWhole(ask, vetted.sql, vetted.format, plan, response, context);
}

type Reading = Extract<Statement, { kind: "select" | "show" }>;

/** The reader's statement as the engine printed it, judged. */
async function vetReading(ask: Ask, context: EndpointContext): Promise<Reading> {
  const canonical = await vetForReader(ask.text, judgingPrologue(ask, context), ask.gone, context);
  const statement = parseStatement(Buffer.from(canonical, "utf8").toString("latin1"));
  if (statement.kind === "select" || statement.kind === "show") return statement;
  if (statement.kind === "refused") throw statement.error;
  throw exception("ACCESS_DENIED", "Not enough privileges: this account may only read");
}

/** Without the reader's settings, which could cut or filter what its judge gets to see. */
function judgingPrologue(ask: Ask, context: EndpointContext): string {
  const { database, parameters } = ask.asked;
  const settings = new Map(defaultSettings(ask, context));
  return renderPrologue({ database, parameters, settings, killTag: "", readonly: true }).before;
}

function refuseReadonly(ask: Ask): void {
  if (ask.role === "reader") {
    throw exception("ACCESS_DENIED", "Not enough privileges: this account may only read");
  }
  if (ask.readonly) {
    throw exception(
      "READONLY",
      "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries",
    );
  }
}

function makePlan(ask: Ask, context: EndpointContext): Plan {
  const { asked, role } = ask;
  const inserts = ask.statement.kind === "insert-data" || ask.statement.kind === "insert-input";
  const killTag = ` #${context.newId()}`;
  const settings = new Map([...defaultSettings(ask, context), ...asked.settings]);
  const prologue = renderPrologue({
    database: asked.database,
    parameters: asked.parameters,
    settings: role === "reader" ? limitReader(settings) : settings,
    killTag,
    // A named session could not be given back its right to write.
    readonly: role === "reader" || (ask.readonly && asked.session === undefined),
  });
  return {
    lane: laneOf(ask),
    session: asked.session === undefined ? undefined : { key: "", after: prologue.after },
    before: prologue.before,
    // As with a server, an INSERT whose client has gone still comes to its end.
    killTag: inserts ? "" : killTag,
  };
}

/** Settings that a request may override: queries share few cores, inserts must be repeatable. */
function defaultSettings(ask: Ask, context: EndpointContext): [string, string][] {
  const { limits } = context;
  const kind = ask.statement.kind;
  const settings: [string, string][] = [
    ["max_query_size", String(limits.statementBytesMax)],
    ["max_memory_usage", String(limits.queryMemoryBytesMax)],
  ];
  // The priority has effect only where the process has CAP_SYS_NICE; else the engine ignores it.
  if (kind === "select" || kind === "show") {
    settings.push(["max_threads", "1"], ["os_threads_nice_value_query", READER_NICE]);
  } else settings.push(["async_insert", "0"], ["max_insert_threads", "1"]);
  return settings;
}

/** A fourth of a writer's weight or less. */
const READER_NICE = "10";

function laneOf(ask: Ask): LaneName {
  const { statement, asked } = ask;
  if (asked.session !== undefined) return "sessions";
  if (statement.kind === "select" || statement.kind === "show") {
    return ask.role === "reader" ? "guests" : "services";
  }
  if (statement.kind !== "command") return asked.lane ?? "live";
  if (statement.verb === "KILL") return "control";
  return asked.lane ?? (statement.verb === "INSERT" ? "live" : "backlog");
}

/** SHOW and its like, and commands: small results that the engine answers as a whole. */
async function runWhole(
  ask: Ask,
  sql: string,
  format: string | undefined,
  plan: Plan,
  response: ServerResponse,
  context: EndpointContext,
): Promise<void> {
  const wanted = format ?? ask.asked.defaultFormat ?? "TabSeparated";
  // Started as a stream, since the engine then refuses more than one statement before it runs any.
  const mode = ask.statement.kind === "command" ? "whole" : "stream";
  const job: EngineJob = { before: plan.before, sql, format: wanted, mode, session: plan.session };
  const run = context.pool.run(plan.lane, job, { signal: ask.gone, killTag: plan.killTag });
  const { bytes, summary } = await collect(run);
  if (ask.statement.kind === "command") await context.tables.settle();
  writeHeaders(response, { format: wanted, coding: undefined, tag: context.newId().slice(0, 16) });
  response.setHeader("X-ClickHouse-Summary", renderSummary(summary, false));
  sendWhole(response, bytes);
}

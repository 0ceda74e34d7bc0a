/**
 * One HTTP request from its path to its reply. Decisions are in the modules that it calls; here is
 * their order: who asks, what is asked, may it be run, run it, reply.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { authenticate, type Role } from "./authenticate.ts";
import { decodeBody, negotiateCoding } from "./compression.ts";
import type { EndpointContext } from "./endpoint-context.ts";
import { describeFailure } from "./describe-failure.ts";
import { exception } from "./exception.ts";
import { parseMultipart, readHead, readMore, type SplitBody } from "./request-body.ts";
import { type EndpointRequest, header, readCredentials, readRequest } from "./request.ts";
import { sendException, sendWhole } from "./respond.ts";
import { runStatement } from "./run-statement.ts";
import { settingsProblem } from "./settings.ts";
import { parseStatement, type Statement } from "./statement.ts";

export async function handleRequest(
  request: IncomingMessage,
  response: ServerResponse,
  context: EndpointContext,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://endpoint");
  response.setHeader("X-ClickHouse-Server-Display-Name", context.displayName);
  const plain = await plainAnswer(request, url, context);
  if (plain !== undefined) {
    response.statusCode = plain.status;
    response.setHeader("Content-Type", plain.type);
    return sendWhole(response, Buffer.from(plain.text));
  }
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  try {
    await answer(request, response, url, gone.signal, context);
  } catch (error) {
    if (gone.signal.aborted) return;
    const known = describeFailure(error, context);
    context.counters.failure(known.type);
    // What is left of an upload is not read: the connection ends with the reply.
    if (!request.complete) response.setHeader("Connection", "close");
    sendException(response, known, context.facts.version);
  }
}

interface PlainAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const HTML = "text/html; charset=UTF-8";

/** Paths that need no account: health as ClickHouse and as our other services tell it, and metrics. */
async function plainAnswer(
  request: IncomingMessage,
  url: URL,
  context: EndpointContext,
): Promise<PlainAnswer | undefined> {
  const { pathname: path } = url;
  const asksNothing = path === "/" && !url.searchParams.has("query");
  if (request.method === "GET" || request.method === "HEAD") {
    if (path === "/ping" || path === "/replicas_status" || asksNothing) {
      return { status: 200, type: HTML, text: "Ok.\n" };
    }
    // Requests are answered only after the engine has been opened.
    if (path === "/healthz" || path === "/readyz") {
      const status = path === "/healthz" ? "ok" : "ready";
      return { status: 200, type: "application/json", text: JSON.stringify({ status }) };
    }
    if (path === "/metrics") {
      const text = await context.renderMetrics();
      return { status: 200, type: "text/plain; version=0.0.4", text };
    }
  }
  if (path === "/" || path === "/query") return undefined;
  const text = `There is no handle ${path}\n\nUse / or /ping for health checks.\nSend queries from your program with POST method or GET /?query=...\n`;
  return { status: 404, type: HTML, text };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  gone: AbortSignal,
  context: EndpointContext,
): Promise<void> {
  const { facts } = context;
  const who = authenticate(readCredentials(url.searchParams, request.headers), context.accounts);
  if (who.kind === "refused") throw who.error;
  const { asked, body } = await readAsked(request, url, context);
  response.setHeader("X-ClickHouse-Query-Id", asked.queryId ?? context.newId());
  response.setHeader("X-ClickHouse-Timezone", facts.timezone);
  if (asked.nativeCompression) {
    throw exception(
      "NOT_IMPLEMENTED",
      "compress=1 and decompress=1 are not supported: use Content-Encoding and Accept-Encoding",
    );
  }
  const problem = settingsProblem(asked.settings, facts.settings, who.role);
  if (problem !== undefined) throw problem;
  const { statement, text, data } = await findStatement(asked, body, context);
  if (statement.kind === "refused") throw statement.error;
  context.counters.statement(statement.kind, who.role);
  await runStatement(
    {
      statement,
      text,
      data: { first: data, rest: body.rest, sizeHint: sizeHint(request) },
      asked,
      role: who.role,
      user: who.user,
      readonly: isReadonly(request, asked, who.role),
      coding: compressionWanted(asked, facts.compressByDefault)
        ? negotiateCoding(header(request.headers, "accept-encoding"))
        : undefined,
      gone,
    },
    response,
    context,
  );
}

async function readAsked(
  request: IncomingMessage,
  url: URL,
  context: EndpointContext,
): Promise<{ asked: EndpointRequest; body: SplitBody }> {
  const { statementBytesMax } = context.limits;
  const fields = [...url.searchParams];
  const contentType = header(request.headers, "content-type") ?? "";
  const decoded = decodeBody(request, header(request.headers, "content-encoding"));
  if (!/^multipart\/form-data/i.test(contentType)) {
    const asked = readRequest(fields, request.headers);
    return { asked, body: await readHead(decoded, 0) };
  }
  const body = await readHead(decoded, statementBytesMax * 16);
  if (!body.complete) {
    throw exception(
      "TOO_MANY_BYTES",
      `A multipart body may have at most ${statementBytesMax * 16} bytes`,
    );
  }
  const asked = readRequest(
    [...fields, ...parseMultipart(body.head, contentType)],
    request.headers,
  );
  return { asked, body: { ...body, head: Buffer.alloc(0) } };
}

/**
 * The statement is the URL's `query` followed by the body; data of an INSERT follows the statement.
 * A body is read here only as far as it may hold the statement's end.
 */
async function findStatement(
  asked: EndpointRequest,
  body: SplitBody,
  context: EndpointContext,
): Promise<{ statement: Statement; text: string; data: Buffer }> {
  const { statementBytesMax } = context.limits;
  const inUrl = asked.query === "" ? Buffer.alloc(0) : Buffer.from(`${asked.query}\n`, "utf8");
  const ofUrl = parseStatement(inUrl.toString("latin1"));
  if (holdsData(ofUrl) && ofUrl.format !== undefined) {
    const data = Buffer.concat([inUrl.subarray(ofUrl.dataOffset), body.head]);
    return { statement: ofUrl, text: "", data };
  }
  const more = body.complete ? Buffer.alloc(0) : await readMore(body, statementBytesMax + 1);
  const beginning = Buffer.concat([body.head, more]);
  const source = Buffer.concat([inUrl, beginning]);
  const statement = parseStatement(source.toString("latin1"));
  if (holdsData(statement) && statement.format !== undefined) {
    return { statement, text: "", data: source.subarray(statement.dataOffset) };
  }
  // "INSERT INTO t" alone, with the format in a header.
  if (holdsData(ofUrl)) return { statement: ofUrl, text: "", data: beginning };
  if (source.length > statementBytesMax) {
    throw exception(
      "QUERY_IS_TOO_LARGE",
      `A statement may have at most ${statementBytesMax} bytes`,
    );
  }
  return { statement, text: source.toString("utf8"), data: Buffer.alloc(0) };
}

function holdsData(
  statement: Statement,
): statement is Extract<Statement, { kind: "insert-data" | "insert-input" }> {
  return statement.kind === "insert-data" || statement.kind === "insert-input";
}

/**
 * GET reads, as with a server; so does a request that says readonly=1 or 2, and the reading
 * account.
 */
function isReadonly(request: IncomingMessage, asked: EndpointRequest, role: Role): boolean {
  const setting = asked.settings.get("readonly") ?? "0";
  return role === "reader" || request.method !== "POST" || setting !== "0";
}

function compressionWanted(asked: EndpointRequest, byDefault: boolean): boolean {
  const setting = asked.settings.get("enable_http_compression");
  return setting === undefined ? byDefault : setting === "1" || setting === "true";
}

/** Bytes of the body as it will be written, where they are known beforehand. */
function sizeHint(request: IncomingMessage): number | undefined {
  const length = header(request.headers, "content-length");
  const coded = header(request.headers, "content-encoding");
  return length === undefined || (coded !== undefined && coded !== "") ? undefined : Number(length);
}

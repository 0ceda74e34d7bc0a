/**
 * The HTTP side of every service: health, metrics, tokens and problem documents (RFC 9457) in one way.
 * `/healthz` says that the process lives, `/readyz` that it can work; routes say who may call them.
 */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { ZodError, z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import { LIMITS } from "../contract/limits.ts";
import { type Tokens, callerOf, hasTokens, rateOf, refusalOf } from "./access.ts";
import { type Clock, systemClock } from "./clock.ts";
import { answerUnchanged } from "./entity-tag.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { type Rate, RequestRate } from "./request-rate.ts";

export type { Tokens } from "./access.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may call: anybody on this socket, holders of the read token, or of the acting token. */
    access?: "open" | "read" | "act";
  }
}

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly tokens: Tokens;
  readonly bodyBytesMax?: number;
}

export interface HttpServer {
  readonly app: FastifyInstance;
  /** Starts to listen and answers the URL. @throws {DriftmendError} port_in_use */
  listen(): Promise<string>;
  /** `/readyz` is 200 when this answers null, else 503 with the reason. Not ready until set. */
  setReadiness(check: () => Promise<string | null> | string | null): void;
  close(): Promise<void>;
}

/** Whether only this machine can reach what listens on `host`. */
export function isLoopback(host: string): boolean {
  return host === "::1" || host === "localhost" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** What is said of a service that the network could use without a token. */
export function openToNetwork(host: string): DriftmendError {
  return new DriftmendError("config_invalid", {
    retry: "never",
    message: `Cannot listen on "${host}" as what is open to the network needs a token: none is set`,
    next: "Set DRIFTMEND_TOKEN, or DRIFTMEND_HOST to 127.0.0.1.",
  });
}

/** @throws {DriftmendError} config_invalid: open to the network without a token */
export function createHttpServer(
  options: HttpServerOptions,
  deps: { logger: Logger; metrics: Metrics; clock?: Clock },
): HttpServer {
  if (!isLoopback(options.host) && !hasTokens(options.tokens)) {
    throw openToNetwork(options.host);
  }
  const app = fastify({
    logger: false,
    bodyLimit: options.bodyBytesMax ?? bodyBytesMax(options.tokens),
    forceCloseConnections: true,
  });
  let readiness: () => Promise<string | null> | string | null = () => "still starting";

  const rates = new RequestRate(LIMITS.apiCallersMax);
  const refused = deps.metrics.counter("api_refusals_total", "API requests refused", ["code"]);
  app.addHook("onRequest", async (request, reply) => {
    const refusal = refuse(request, options, rates, deps.clock ?? systemClock);
    if (refusal === null) return undefined;
    refused.inc({ code: refusal.error.code });
    if (refusal.waitMs > 0) reply.header("retry-after", Math.ceil(refusal.waitMs / 1000));
    sendProblem(reply, refusal.status, refusal.error);
    // Answering the reply is how fastify learns that the route must not run.
    return reply;
  });
  app.addHook("onSend", answerUnchanged);
  app.addHook("onSend", async (_request, reply) => addSecurityHeaders(reply));
  app.setErrorHandler((error, _request, reply) => {
    const { status, error: known } = asProblem(error);
    if (status >= 500) deps.logger.error({ err: error }, "request failed");
    sendProblem(reply, status, known);
  });
  app.setNotFoundHandler((request, reply) => {
    sendProblem(
      reply,
      404,
      new DriftmendError("route_unknown", {
        retry: "never",
        message: `Cannot find a route for "${request.method} ${request.url}"`,
        next: "docs/architecture.md names the routes of every service.",
      }),
    );
  });
  app.get("/healthz", { config: { access: "open" } }, () => ({ status: "ok" }));
  app.get("/readyz", { config: { access: "open" } }, async (_request, reply) => {
    const reason = await readiness();
    return reply
      .code(reason === null ? 200 : 503)
      .send(reason === null ? { status: "ready" } : { status: "not ready", reason });
  });
  app.get("/api/v1/access", { config: { access: "read" } }, (request) => ({
    access:
      refusalOf("act", callerOf(request.headers.authorization, options.tokens)) === null
        ? "act"
        : "read",
  }));
  app.get("/metrics", { config: { access: "open" } }, async (_request, reply) =>
    reply.type("text/plain; version=0.0.4").send(await deps.metrics.render()),
  );

  return {
    app,
    setReadiness: (check) => {
      readiness = check;
    },
    listen: () => listen(app, options),
    close: () => app.close(),
  };
}

/** What is not an API of ours, such as a model server, takes what its clients send. */
const bodyBytesMax = (tokens: Tokens): number =>
  hasTokens(tokens) ? LIMITS.apiBodyBytesMax : LIMITS.requestBytesMax;

async function listen(app: FastifyInstance, options: HttpServerOptions): Promise<string> {
  try {
    return await app.listen({ host: options.host, port: options.port });
  } catch (cause) {
    if (!(cause instanceof Error) || !("code" in cause) || cause.code !== "EADDRINUSE") throw cause;
    throw new DriftmendError("port_in_use", {
      retry: "never",
      message: `Cannot listen on ${options.host}:${options.port} as the port must be free`,
      next: "Name another port, or 0 for any free one.",
      cause,
    });
  }
}

/** How often, then whether: a stranger who guesses tokens is slowed down before being told. */
function refuse(
  request: FastifyRequest,
  { tokens }: HttpServerOptions,
  rates: RequestRate,
  clock: Clock,
): { readonly status: number; readonly error: DriftmendError; readonly waitMs: number } | null {
  const access = request.routeOptions.config.access ?? "read";
  if (access === "open" || !hasTokens(tokens)) return null;
  const caller = callerOf(request.headers.authorization, tokens);
  const { key, rate } = rateOf(caller, request.ip);
  const waitMs = rates.take(key, rate, clock.monotonicMs());
  if (waitMs > 0) return { status: 429, error: tooOften(rate, waitMs), waitMs };
  const refusal = refusalOf(access, caller);
  return refusal === null ? null : { ...refusal, waitMs: 0 };
}

const tooOften = ({ burst, perSecond }: Rate, waitMs: number): DriftmendError =>
  new DriftmendError("rate_limited", {
    retry: "later",
    message: `Cannot answer so often as a caller has ${burst} requests at once and ${perSecond} a second after that: the next may come in ${waitMs} ms`,
    next: "Wait as Retry-After says. Callers without a valid token share a smaller allowance by address.",
  });

/** What a browser must know of an answer; pages may load what comes from here, and nothing else. */
const PAGE_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

function addSecurityHeaders(reply: FastifyReply): void {
  const isPage = String(reply.getHeader("content-type") ?? "").startsWith("text/html");
  const headers = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": isPage ? PAGE_POLICY : DATA_POLICY,
    ...(isPage ? {} : { "cache-control": "no-store" }),
  };
  // A route, or the service behind the gateway, knows better.
  for (const [name, value] of Object.entries(headers)) {
    if (!reply.hasHeader(name)) reply.header(name, value);
  }
}

const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  not_found: 404,
  conflict: 409,
  document_of_folder: 409,
  models_overlap: 409,
  token_exists: 409,
  tokens_too_many: 409,
  request_invalid: 400,
  unavailable: 503,
};

const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  413: "body_too_large",
  415: "content_type_unsupported",
};

function asProblem(error: unknown): { status: number; error: DriftmendError } {
  if (error instanceof DriftmendError) {
    const status = STATUS_OF_CODE[error.code] ?? (error.retry === "never" ? 400 : 503);
    return { status, error };
  }
  const message = error instanceof ZodError ? z.prettifyError(error) : String(error);
  const given = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  const status = error instanceof ZodError ? 400 : given;
  const code = status < 500 ? (CODE_OF_STATUS[status] ?? "request_invalid") : "internal";
  return { status, error: new DriftmendError(code, { retry: "never", message, cause: error }) };
}

/** Answers with a problem document of RFC 9457. */
export function sendProblem(reply: FastifyReply, status: number, error: DriftmendError): void {
  void reply
    .code(status)
    .type("application/problem+json")
    .send({
      type: `docs/errors.md#${error.code}`,
      title: error.code.replaceAll("_", " "),
      status,
      detail: error.message,
      code: error.code,
      next: error.next ?? null,
    });
}

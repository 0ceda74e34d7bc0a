/**
 * The HTTP side of every service: health, metrics, tokens and problem documents (RFC 9457) in one way.
 * `/healthz` says that the process lives, `/readyz` that it can work; routes say who may call them.
 */
import { timingSafeEqual } from "node:crypto";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { ZodError, z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import { LIMITS } from "../contract/limits.ts";
import { answerUnchanged } from "./entity-tag.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may call: anybody on this socket, holders of the read token, or of the acting token. */
    access?: "open" | "read" | "act";
  }
}

export interface Tokens {
  readonly token: string | undefined;
  readonly readToken: string | undefined;
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
  deps: { logger: Logger; metrics: Metrics },
): HttpServer {
  const { token, readToken } = options.tokens;
  if (!isLoopback(options.host) && token === undefined && readToken === undefined) {
    throw openToNetwork(options.host);
  }
  const app = fastify({
    logger: false,
    bodyLimit: options.bodyBytesMax ?? LIMITS.requestBytesMax,
    forceCloseConnections: true,
  });
  let readiness: () => Promise<string | null> | string | null = () => "still starting";

  app.addHook("onRequest", async (request, reply) => {
    const refusal = accessRefusal(request, options.tokens);
    if (refusal === null) return undefined;
    sendProblem(reply, refusal.status, refusal.error);
    // Answering the reply is how fastify learns that the route must not run.
    return reply;
  });
  app.addHook("onSend", answerUnchanged);
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
    access: mayAct(request, options.tokens) ? "act" : "read",
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

function accessRefusal(
  request: FastifyRequest,
  tokens: Tokens,
): { status: 401 | 403; error: DriftmendError } | null {
  const access = request.routeOptions.config.access ?? "read";
  if (access === "open" || (tokens.token === undefined && tokens.readToken === undefined)) {
    return null;
  }
  const given = bearerOf(request);
  const acts = mayAct(request, tokens);
  const mayRead = acts || (given !== undefined && sameSecret(given, tokens.readToken));
  if (access === "act" ? acts : mayRead) return null;
  const status = given === undefined || !mayRead ? 401 : 403;
  const error = new DriftmendError(status === 401 ? "token_missing" : "token_reads_only", {
    retry: "never",
    message: `Cannot ${access} as a valid bearer token is needed: ${given === undefined ? "none was sent" : "it does not allow this"}`,
    next: 'Send "Authorization: Bearer <token>"; "ready.json" in the data directory holds the tokens.',
  });
  return { status, error };
}

const bearerOf = (request: FastifyRequest): string | undefined =>
  /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];

/** Without tokens everybody on this machine may. */
function mayAct(request: FastifyRequest, { token, readToken }: Tokens): boolean {
  if (token === undefined && readToken === undefined) return true;
  const given = bearerOf(request);
  return given !== undefined && sameSecret(given, token);
}

function sameSecret(given: string, wanted: string | undefined): boolean {
  if (wanted === undefined) return false;
  const a = Buffer.from(given);
  const b = Buffer.from(wanted);
  return a.length === b.length && timingSafeEqual(a, b);
}

const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  not_found: 404,
  conflict: 409,
  request_invalid: 400,
  unavailable: 503,
};

function asProblem(error: unknown): { status: number; error: DriftmendError } {
  if (error instanceof DriftmendError) {
    const status = STATUS_OF_CODE[error.code] ?? (error.retry === "never" ? 400 : 503);
    return { status, error };
  }
  const message = error instanceof ZodError ? z.prettifyError(error) : String(error);
  const given = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  const status = error instanceof ZodError ? 400 : given;
  const code = status < 500 ? "request_invalid" : "internal";
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

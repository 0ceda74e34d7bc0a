/**
 * One origin for the page and the routes of all services: the gateway passes requests on by path and keeps nothing.
 * Tokens are checked by the service that answers; `/readyz` is ready when every service is.
 */
import httpProxy from "@fastify/http-proxy";
import type { FastifyReply, FastifyRequest } from "fastify";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import {
  type HttpServer,
  type HttpServerOptions,
  createHttpServer,
  sendProblem,
} from "../../runtime/http-server.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { addApiDocument } from "../api-document/route.ts";
import { addTokenRoutes } from "./token-routes.ts";
import { askReadiness } from "../gateway/ask-readiness.ts";
import { addPage } from "./page.ts";
import { SERVICES, type ServiceName, upstreamOf } from "./upstream-of.ts";

export interface GatewayDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Where a service answers now; null while it never did. */
  readonly serviceUrl: (service: ServiceName) => string | null;
  /** What is said at /api/v1/self of the processes behind it. */
  readonly self: () => object | Promise<object>;
  /** Folder of the page's build; undefined where there is none. */
  readonly page: string | undefined;
}

export function createGateway(options: HttpServerOptions, deps: GatewayDeps): HttpServer {
  const http = createHttpServer(options, deps);
  http.app.get("/api/v1/self", { config: { access: "read" } }, () => deps.self());
  addApiDocument(http.app);
  if (options.tokens.named !== undefined) addTokenRoutes(http.app, options.tokens.named);
  // The service that answers asks for the token; the agent's doors do not where they are on loopback.
  for (const [prefix, access] of [
    ["/api", "open"],
    ["/v1/analysis", "open"],
    ["/v1/labels", "act"],
    ["/v1/events", "act"],
  ] as const) {
    http.app.register(httpProxy, {
      prefix,
      rewritePrefix: prefix,
      upstream: "",
      config: { access },
      replyOptions: {
        onError: (reply: unknown) => unavailable(reply as FastifyReply, "it does not answer"),
        getUpstream: () => "",
      },
      handler: (request: FastifyRequest, reply: FastifyReply, destination: string, from: object) =>
        passOn(request, reply, { destination, from }, deps),
    });
  }
  addPage(http.app, deps.page);
  http.setReadiness(() => firstUnready(deps));
  return http;
}

function passOn(
  _request: FastifyRequest,
  reply: FastifyReply,
  to: { readonly destination: string; readonly from: object },
  deps: GatewayDeps,
): FastifyReply {
  const [path = "/"] = to.destination.split("?", 1);
  const upstream = upstreamOf(path);
  if (upstream.kind === "unknown-service") {
    const error = new DriftmendError("not_found", {
      retry: "never",
      message: `Cannot show the service "${upstream.service}" as it must be one of ${SERVICES.join(", ")}`,
    });
    sendProblem(reply, 404, error);
    return reply;
  }
  const url = deps.serviceUrl(upstream.service);
  if (url === null) {
    unavailable(reply, `the ${upstream.service} has not been ready yet`);
    return reply;
  }
  return reply.from(upstream.path, { ...to.from, getUpstream: () => url });
}

function unavailable(reply: FastifyReply, state: string): void {
  const error = new DriftmendError("unavailable", {
    retry: "later",
    message: `Cannot pass the request on as its service must answer: ${state}`,
    next: 'It is restarted by itself; "npx driftmend status" shows what runs.',
  });
  sendProblem(reply, 503, error);
}

/** The first service that is not ready, with its reason; null when all are. */
async function firstUnready(deps: GatewayDeps): Promise<string | null> {
  const reasons = await Promise.all(SERVICES.map((service) => unreadyReason(service, deps)));
  return reasons.find((reason) => reason !== null) ?? null;
}

async function unreadyReason(service: ServiceName, deps: GatewayDeps): Promise<string | null> {
  const url = deps.serviceUrl(service);
  if (url === null) return `${service}: still starting`;
  const readiness = await askReadiness(url);
  return readiness.kind === "ready" ? null : `${service}: ${readiness.reason}`;
}

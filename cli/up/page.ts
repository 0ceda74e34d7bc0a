/**
 * The page of the gateway's origin: files of the console's build, and one document for all of its addresses.
 * Whoever may open a socket to the gateway may load it; what it shows it asks the API for, with a token.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply } from "fastify";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { sendProblem } from "../../runtime/http-server.ts";
import { root } from "../places.ts";

/** Where the build is: in a checkout beside its sources, in an installed package beside the compiled code. */
export function pageDirectory(): string | undefined {
  const places = [join(root, "console", "dist"), join(root, "dist", "console", "dist")];
  return places.find((place) => existsSync(join(place, "index.html")));
}

/** Addresses that the page knows how to show; reloading and sharing them works. */
const ADDRESSES = ["/", "/alerts", "/alerts/*", "/models/*", "/runs", "/runs/*"];

/** Nothing from elsewhere, nothing inline, in no frame: the page holds a token. */
const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

const OPEN = { config: { access: "open" } } as const;

export function addPage(app: FastifyInstance, directory: string | undefined): void {
  if (directory === undefined) {
    for (const address of ADDRESSES) app.get(address, OPEN, (_request, reply) => notBuilt(reply));
    return;
  }
  app.register(fastifyStatic, {
    root: directory,
    serve: false,
    dotfiles: "deny",
    index: false,
    cacheControl: false,
  });
  for (const address of ADDRESSES) {
    app.get(address, OPEN, (_request, reply) =>
      // A new build has other names for its assets: the document is asked for anew each time.
      reply.headers({ ...SECURITY_HEADERS, "cache-control": "no-cache" }).sendFile("index.html"),
    );
  }
  app.get<{ Params: { "*": string } }>("/assets/*", OPEN, (request, reply) =>
    reply
      .headers({ ...SECURITY_HEADERS, "cache-control": "public, max-age=31536000, immutable" })
      .sendFile(`assets/${request.params["*"]}`),
  );
  app.get("/favicon.svg", OPEN, (_request, reply) =>
    reply
      .headers({ ...SECURITY_HEADERS, "cache-control": "max-age=86400" })
      .sendFile("favicon.svg"),
  );
}

function notBuilt(reply: FastifyReply): FastifyReply {
  sendProblem(
    reply,
    503,
    new DriftmendError("page_not_built", {
      retry: "later",
      message: "Cannot show the page as it must be built: console/dist is not there",
      next: 'Run "npm start" (which builds it), or "node cli/bootstrap.mjs" and start again.',
    }),
  );
  return reply;
}

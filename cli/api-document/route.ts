/**
 * The API's description where clients look for it. It is the committed copy, which `npm run ok` holds equal
 * to what the routes' schemas give: making it here would load every service into the gateway.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { root } from "../places.ts";

const COPY = join(root, "docs", "openapi.json");

export function addApiDocument(app: FastifyInstance): void {
  app.get("/api/openapi.json", { config: { access: "open" } }, async (_request, reply) =>
    reply.type("application/json").send(await readFile(COPY)),
  );
}

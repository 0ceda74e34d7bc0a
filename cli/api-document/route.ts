/** The API's description where clients look for it; it says nothing that the docs do not. */
import type { FastifyInstance } from "fastify";

export function addApiDocument(app: FastifyInstance): void {
  app.get("/api/openapi.json", { config: { access: "open" } }, async () => {
    // Hundreds of schemas, loaded when somebody asks.
    const { apiDocument } = await import("./api-document.ts");
    return apiDocument();
  });
}

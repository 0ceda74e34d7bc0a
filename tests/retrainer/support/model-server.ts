/**
 * A little V2 server on a model repository: the example's own loading and assignment of requests. It can
 * be told to answer the load call with 200 and keep what it has, as broken servers do.
 */
import { type Server, createServer } from "node:http";
import { join } from "node:path";
import { once } from "node:events";
import { openVersions } from "../../../examples/flights/server/versions.ts";

export interface ModelServer {
  readonly url: string;
  /** Load calls are answered and nothing is loaded. */
  stubborn: boolean;
  /** Requests that were not marked as probes. */
  unmarked: number;
  close(): Promise<void>;
}

export async function startModelServer(repository: string, model: string): Promise<ModelServer> {
  const versions = await openVersions(join(repository, model));
  const state = { stubborn: false, unmarked: 0 };
  const server: Server = createServer((request, response) => {
    void (async () => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      response.setHeader("content-type", "application/json");
      if (request.url === `/v2/repository/models/${model}/load`) {
        if (!state.stubborn) await versions.reload();
        response.end("{}");
        return;
      }
      if (request.headers["x-driftmend-probe"] !== "1") state.unmarked++;
      const { id } = JSON.parse(body) as { id: string };
      const { version } = versions.pick(id);
      response.end(JSON.stringify({ model_name: model, model_version: version, id, outputs: [] }));
    })().catch((error: unknown) => {
      response.statusCode = 400;
      response.end(JSON.stringify({ error: String(error) }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}

/** The least that a proxy on node:http can be: what ours is compared with. Its argument is the upstream's port. */
import { Agent, createServer, request as openRequest } from "node:http";

const agent = new Agent({ keepAlive: true });
const port = process.argv[2];
const server = createServer((request, response) => {
  const { method, url: path, headers } = request;
  const upstream = openRequest(
    { host: "127.0.0.1", port, method, path, headers, agent },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  request.pipe(upstream);
});
server.listen(0, "127.0.0.1", () => process.send?.(server.address()));

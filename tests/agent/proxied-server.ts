/** A model server, and an agent that passes calls on to it. */
import { type RequestListener, createServer } from "node:http";
import {
  type AddressInfo,
  type Server,
  createServer as createSocketServer,
  type Socket,
} from "node:net";
import { freePort } from "../support/free-port.ts";
import { type AgentProcess, startAgentProcess, temporaryFolder } from "./agent-process.ts";

const cleanups: (() => Promise<void> | void)[] = [];

/** After each test. */
export async function closeAll(): Promise<void> {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
}

export interface Proxied {
  readonly agent: AgentProcess;
  /** Of the spool. */
  readonly folder: string;
  readonly url: string;
  readonly port: number;
  readonly server: Server;
}

type Env = Readonly<Record<string, string>>;

export function openProxied(handler: RequestListener, env: Env = {}, path = ""): Promise<Proxied> {
  return proxied(createServer(handler), env, path);
}

/** A server that speaks something else, or HTTP in its own way. */
export function openProxiedSocket(onConnection: (socket: Socket) => void): Promise<Proxied> {
  const server = createSocketServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    cleanups.push(() => void socket.destroy());
    onConnection(socket);
  });
  return proxied(server, {}, "");
}

async function proxied(server: Server, env: Env, path: string): Promise<Proxied> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => void server.close());
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const port = await freePort();
  const folder = temporaryFolder();
  cleanups.push(folder.remove);
  const agent = await startAgentProcess(folder.path, {
    ...{ DRIFTMEND_PROXY_UPSTREAM: upstream, DRIFTMEND_PROXY_PORT: String(port), ...env },
  });
  cleanups.push(() => agent.kill());
  return { agent, folder: folder.path, url: `http://127.0.0.1:${port}`, port, server };
}

/** Ports on loopback: a default moves to the next free one, a port that was asked for never does. */
import { createServer } from "node:net";
import { DriftmendError } from "../../contract/driftmend-error.ts";

export interface PortWish {
  /** What listens there, as people call it. */
  readonly name: string;
  readonly option: string;
  readonly defaultPort: number;
  /** As given on the command line; 0 means any free one. */
  readonly asked: number | undefined;
}

export type PortChoice =
  | { readonly kind: "as-wished"; readonly port: number }
  | { readonly kind: "moved"; readonly port: number; readonly from: number };

const MOVES_MAX = 100;

/** Chooses a port and remembers it in `taken`, so that two wishes never get the same one; see `reserve`. */
export async function choosePort(wish: PortWish, taken: Set<number>): Promise<PortChoice> {
  const { asked, defaultPort } = wish;
  if (asked !== undefined) {
    const port = asked === 0 ? await freePort(taken) : asked;
    if (asked !== 0 && (taken.has(port) || !(await isFree(port)))) throw inUse(wish, asked);
    taken.add(port);
    return { kind: "as-wished", port };
  }
  for (let port = defaultPort; port < defaultPort + MOVES_MAX; port += 1) {
    if (taken.has(port) || !(await isFree(port)) || !(await reserve(port))) continue;
    taken.add(port);
    return port === defaultPort
      ? { kind: "as-wished", port }
      : { kind: "moved", port, from: defaultPort };
  }
  throw inUse(wish, defaultPort);
}

function inUse(wish: PortWish, port: number): DriftmendError {
  return new DriftmendError("port_in_use", {
    retry: "never",
    message: `Cannot start ${wish.name} on 127.0.0.1:${port} as the port must be free: another program listens there`,
    next: `Stop that program, or name another port with ${wish.option} (0 picks a free one).`,
  });
}

/**
 * Speaks for a port until this process ends, for its own process listens there only later, and another system may
 * start meanwhile. On Linux a name in the abstract namespace, which belongs to the network namespace, as ports do;
 * elsewhere there is no such thing, and systems must not be started at the same moment.
 * @returns false when another system has spoken for it
 */
function reserve(port: number): Promise<boolean> {
  if (process.platform !== "linux") return Promise.resolve(true);
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(`\0driftmend/port/${port}`, () => {
      server.unref();
      resolve(true);
    });
  });
}

async function isFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== undefined;
}

async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (let tries = 0; tries < MOVES_MAX; tries += 1) {
    const port = await listenOnce(0);
    if (port !== undefined && !taken.has(port)) return port;
  }
  throw new DriftmendError("port_in_use", {
    retry: "later",
    message: "Cannot pick a free port on 127.0.0.1 as one must be free: the system gave none",
    next: "Close programs that hold many ports, or name one.",
  });
}

/** The port that could be listened on for a moment. */
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      const address = server.address();
      const got = typeof address === "object" && address !== null ? address.port : undefined;
      server.close(() => resolve(got));
    });
  });
}

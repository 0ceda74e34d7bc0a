/** The socket that all doors share: who may come in from where, and how it is opened and closed. */
import { timingSafeEqual } from "node:crypto";
import type { RequestListener, Server } from "node:http";
import { createServer } from "node:http";
import type { Server as SocketServer } from "node:net";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { isLoopback, openToNetwork } from "../../runtime/http-server.ts";

export interface DoorServerOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
}

/**
 * Longer than Go's clients, Collectors among them, keep an idle connection (90 s): the side that sends must close it, or
 * a request meets a connection that is being closed, and exporters give such a batch up.
 */
const KEEP_ALIVE_MS = 120_000;
/** Of a body that waits for its turn, so much is read and held: hundreds of senders may wait. */
const UNREAD_BYTES = 16 * 1024;

/**
 * Doors that the network can reach need a token.
 * @throws {DriftmendError} config_invalid
 */
export function refuseOpenDoors({ host, token }: DoorServerOptions): void {
  if (!isLoopback(host) && token === undefined) throw openToNetwork(host);
}

/** Says by the Authorization header who may send. */
export function tokenCheck({
  host,
  token,
}: DoorServerOptions): (authorization: string | undefined) => boolean {
  if (isLoopback(host) || token === undefined) return () => true;
  const wanted = Buffer.from(`Bearer ${token}`);
  return (authorization) => {
    const given = Buffer.from(authorization ?? "");
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  };
}

/** Opens the socket. @throws {DriftmendError} port_in_use */
export async function openDoorServer(
  { host, port }: DoorServerOptions,
  listener: RequestListener,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true, highWaterMark: UNREAD_BYTES },
    listener,
  );
  const url = await listenOn(server, { host, port, setting: "DRIFTMEND_OTLP_HTTP_PORT" });
  return { url, close: () => closeServer(server) };
}

/**
 * Listens where a setting says; resolves to the address as a URL.
 * @throws {DriftmendError} port_in_use
 */
export function listenOn(
  server: SocketServer,
  place: {
    readonly host: string;
    readonly port: number;
    readonly setting: string;
    /** What else the setting may be. */
    readonly instead?: string;
  },
): Promise<string> {
  const { host, port, setting, instead = "or 0 for any free one" } = place;
  return new Promise((resolve, reject) => {
    server.once("error", (cause: Error & { code?: string }) => {
      if (cause.code !== "EADDRINUSE") {
        reject(cause);
        return;
      }
      reject(
        new DriftmendError("port_in_use", {
          retry: "never",
          message: `Cannot listen on ${host}:${port} as the port must be free`,
          next: `Name another ${setting}, ${instead}.`,
          cause,
        }),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      resolve(`http://${host.includes(":") ? `[${host}]` : host}:${bound}`);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeIdleConnections();
  });
}

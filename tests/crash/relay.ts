/** A TCP connection that can be cut or go silent: relays what is sent to its port to another on this machine. */
import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

export interface Relay {
  readonly port: number;
  /** Ends all connections and takes no others. */
  cut(): void;
  /** Lets nothing through, in neither direction, and says nothing. */
  silence(): void;
  heal(): void;
  close(): Promise<void>;
}

export async function openRelay(targetPort: number): Promise<Relay> {
  type State = "whole" | "cut" | "silent";
  let state: State = "whole";
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    if (state === "cut") {
      client.destroy();
      return;
    }
    const target = connect(targetPort, "127.0.0.1");
    for (const [socket, peer] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        peer.destroy();
      });
      socket.pipe(peer);
      if (state === "silent") socket.pause();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      state = "cut";
      for (const socket of sockets) socket.destroy();
    },
    silence: () => {
      state = "silent";
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    heal: () => {
      // What was silent is not trusted to go on: its ends have given up, or will be told now.
      if (state === "silent") for (const socket of sockets) socket.destroy();
      state = "whole";
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

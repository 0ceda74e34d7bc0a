/** OTLP/gRPC by grpc-js, over four connections, bodies as they are. */
import { Client, credentials } from "@grpc/grpc-js";
import type { PreparedBody } from "./prepared-body.ts";
import type { HttpSender } from "./send.ts";

const PATH = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const CONNECTIONS = 4;

export function grpcSender(url: string): HttpSender {
  const address = new URL(url).host;
  const clients = Array.from({ length: CONNECTIONS }, () => {
    // Channels to one address share a connection unless they keep a pool of their own.
    return new Client(address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
  });
  let turn = 0;
  const send = (body: PreparedBody): Promise<void> =>
    new Promise((resolve, reject) => {
      const client = clients[turn++ % CONNECTIONS]!;
      const bytes = (value: Buffer): Buffer => value;
      client.makeUnaryRequest(PATH, bytes, bytes, body.predictions, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  return {
    send,
    [Symbol.dispose]: () => {
      for (const client of clients) client.close();
    },
  };
}

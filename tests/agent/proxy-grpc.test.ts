/** gRPC through the proxy, on the real process: by grpc-js on both sides. */
import {
  Client,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  compressionAlgorithms,
  credentials,
  status,
} from "@grpc/grpc-js";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { startAgentProcess, temporaryFolder, until } from "./agent-process.ts";
import { spooledRows } from "./capture-harness.ts";
import { encode, inferRequest, inferResponse } from "./infer-schema.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

const SERVICE = "/inference.GRPCInferenceService";
const same = (bytes: Buffer): Buffer => bytes;
const method = (name: string, responseStream = false) => ({
  path: `${SERVICE}/${name}`,
  ...{ requestStream: false, responseStream },
  ...{ requestSerialize: same, requestDeserialize: same },
  ...{ responseSerialize: same, responseDeserialize: same },
});

const REQUEST = encode(inferRequest, {
  ...{ model_name: "fraud", id: "caller-1" },
  inputs: [{ name: "x", datatype: "FP32", shape: [1, 2], contents: { fp32_contents: [1, 2] } }],
});
const RESPONSE = encode(inferResponse, {
  ...{ model_name: "fraud", model_version: "3" },
  outputs: [{ name: "y", datatype: "FP32", shape: [1], contents: { fp32_contents: [0.5] } }],
});

async function startUpstream(port = 0) {
  const server = new Server();
  const seen: Metadata[] = [];
  const handlers = {
    ModelInfer: (
      call: { metadata: Metadata; request: Buffer },
      answer: (...args: unknown[]) => void,
    ) => {
      seen.push(call.metadata);
      if (call.metadata.get("fail").length > 0) {
        const trailer = new Metadata();
        trailer.set("reason", "none");
        answer({ code: status.RESOURCE_EXHAUSTED, details: "no room für alle", metadata: trailer });
        return;
      }
      const trailer = new Metadata();
      trailer.set("cost", "7");
      answer(null, RESPONSE, trailer);
    },
    ServerLive: (_call: unknown, answer: (...args: unknown[]) => void) =>
      answer(null, Buffer.from([8, 1])),
    ModelStreamInfer: ((call: { write(bytes: Buffer): void; end(): void }) => {
      for (let i = 0; i < 3; i++) call.write(Buffer.from([i]));
      call.end();
    }) as never,
  };
  server.addService(
    {
      ModelInfer: method("ModelInfer"),
      ServerLive: method("ServerLive"),
      ModelStreamInfer: method("ModelStreamInfer", true),
    } as never,
    handlers as never,
  );
  const upstreamPort = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  cleanups.push(() => server.forceShutdown());
  return { server, upstreamPort, seen };
}

async function open() {
  const { server, upstreamPort, seen } = await startUpstream();
  const folder = temporaryFolder();
  cleanups.push(folder.remove);
  const port = String(await freePort());
  const agent = await startAgentProcess(folder.path, {
    DRIFTMEND_PROXY_GRPC_UPSTREAM: `http://127.0.0.1:${upstreamPort}`,
    DRIFTMEND_PROXY_GRPC_PORT: port,
  });
  cleanups.push(() => agent.kill());
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  cleanups.push(() => client.close());
  const call = (name: string, body: Buffer, given: Readonly<Record<string, string>> = {}) => {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(given)) metadata.set(key, value);
    return new Promise<{
      body: Buffer | null;
      error: ServiceError | null;
      head: Metadata;
      tail: Metadata;
    }>((resolve) => {
      let [head, tail] = [new Metadata(), new Metadata()];
      let result: { body: Buffer | null; error: ServiceError | null } | null = null;
      const options =
        given["gzip"] === undefined ? {} : { "grpc.default_compression_algorithm": 2 };
      void options;
      const started = client.makeUnaryRequest(
        `${SERVICE}/${name}`,
        ...([same, same, body, metadata] as const),
        (error, got) => {
          result = { body: got ?? null, error };
        },
      );
      started.on("metadata", (got) => {
        head = got;
      });
      started.on("status", (got) => {
        tail = got.metadata;
        setImmediate(() => resolve({ body: null, error: null, ...result, head, tail }));
      });
    });
  };
  return { agent, folder: folder.path, call, client, port, server, upstreamPort, seen };
}

const stored = (folder: string, id: string) =>
  until(() => spooledRows(folder, "predictions", id).length === 1, `${id} is in the spool`);

it("a call is answered as the server answers, trailers too, and becomes a prediction", async () => {
  const { call, folder, seen } = await open();
  const { body, head, tail } = await call("ModelInfer", REQUEST, { "x-own": "kept" });
  expect(body?.equals(RESPONSE)).toBe(true);
  expect(tail.get("cost")).toEqual(["7"]);
  expect(seen[0]?.get("x-own")).toEqual(["kept"]);
  const [id] = head.get("x-prediction-id").map(String);
  await stored(folder, id ?? "");
  expect(spooledRows(folder, "predictions", id ?? "")).toMatchObject([
    {
      model: "fraud",
      version: "3",
      value: 0.5,
      num: [
        ["x[0]", 1],
        ["x[1]", 2],
      ],
    },
  ]);
});

it("a call that fails keeps its status and words, and is an error of the model", async () => {
  const { call, folder } = await open();
  const { error } = await call("ModelInfer", REQUEST, { fail: "1", "x-prediction-id": "failed-1" });
  expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: "no room für alle" });
  expect(error?.metadata.get("reason")).toEqual(["none"]);
  await stored(folder, "failed-1");
  expect(spooledRows(folder, "predictions", "failed-1")).toMatchObject([
    {
      model: "fraud",
      error: "grpc_8",
      num: [
        ["x[0]", 1],
        ["x[1]", 2],
      ],
    },
  ]);
});

it("compressed messages are read as well", async () => {
  const { folder, port } = await open();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
  });
  cleanups.push(() => client.close());
  const metadata = new Metadata();
  metadata.set("x-prediction-id", "zipped");
  await new Promise<void>((resolve, reject) => {
    client.makeUnaryRequest(`${SERVICE}/ModelInfer`, same, same, REQUEST, metadata, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  await stored(folder, "zipped");
});

it("other calls and streams pass without an id", async () => {
  const { call, client, agent } = await open();
  const { body, head } = await call("ServerLive", Buffer.alloc(0));
  expect(body).toEqual(Buffer.from([8, 1]));
  expect(head.get("x-prediction-id")).toEqual([]);
  const parts: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const stream = client.makeServerStreamRequest(
      `${SERVICE}/ModelStreamInfer`,
      same,
      same,
      Buffer.alloc(0),
    );
    stream
      .on("data", (part: Buffer) => parts.push(part))
      .on("error", reject)
      .on("end", resolve);
  });
  expect(Buffer.concat(parts)).toEqual(Buffer.from([0, 1, 2]));
  expect((await agent.self()).totals).not.toHaveProperty("calls.captured");
});

it("says UNAVAILABLE where the server is gone, and passes again when it is back", async () => {
  const { call, server, upstreamPort, folder } = await open();
  expect((await call("ModelInfer", REQUEST)).error).toBe(null);
  server.forceShutdown();
  const { error } = await call("ModelInfer", REQUEST, { "x-prediction-id": "gone" });
  expect(error?.code).toBe(status.UNAVAILABLE);
  await stored(folder, "gone");
  expect(spooledRows(folder, "predictions", "gone")).toMatchObject([{ error: "grpc_14" }]);
  await startUpstream(upstreamPort);
  expect((await call("ModelInfer", REQUEST)).error).toBe(null);
});

it("says UNAVAILABLE where the server dies with the call in its hands", async () => {
  const server = createServer((socket) => {
    // Takes the call, and goes away without a word.
    socket.once("data", () => setTimeout(() => socket.destroy(), 200));
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => void server.close());
  const folder = temporaryFolder();
  cleanups.push(folder.remove);
  const port = await freePort();
  const agent = await startAgentProcess(folder.path, {
    DRIFTMEND_PROXY_GRPC_UPSTREAM: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    DRIFTMEND_PROXY_GRPC_PORT: String(port),
  });
  cleanups.push(() => agent.kill());
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  cleanups.push(() => client.close());
  const metadata = new Metadata();
  metadata.set("x-prediction-id", "died");
  const code = await new Promise<number | undefined>((resolve) => {
    client.makeUnaryRequest(`${SERVICE}/ModelInfer`, same, same, REQUEST, metadata, (error) =>
      resolve(error?.code),
    );
  });
  expect(code).toBe(status.UNAVAILABLE);
  await stored(folder.path, "died");
});

/** A real agent with little memory, all its doors open: HTTP, gRPC, NATS, and the proxy before a server that answers what it is told. */
import { type IncomingMessage, type Server, createServer } from "node:http";
import { type ClientHttp2Session, connect } from "node:http2";
import type { AddressInfo } from "node:net";
import { readFileSync } from "node:fs";
import { LIMITS } from "../../../contract/limits.ts";
import { readBlock } from "../../../contract/native-block.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { processEnvironment } from "../../../runtime/env.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { findNatsServer, startNatsServer } from "../../../runtime/nats-server.ts";
import { type Nats, connectNats } from "../../../runtime/nats.ts";
import {
  type AgentProcess,
  framesIn,
  startAgentProcess,
  temporaryFolder,
  until,
} from "../../agent/agent-process.ts";
import { rowsOf } from "../../agent/capture-harness.ts";
import { freePort } from "../../support/free-port.ts";

/** Of the agent's heap; what a small container would give it. */
const HEAP_MIB = 384;

export interface AgentStage {
  readonly agent: AgentProcess;
  readonly nats: Nats;
  readonly grpc: ClientHttp2Session;
  readonly proxyUrl: string;
  /** What the server behind the proxy answers next. */
  readonly answers: { status: number; headers: Record<string, string>; body: Buffer }[];
  rss(): number;
  /** How often the spool holds a prediction with an id that begins so, by id. */
  spooled(prefix: string): ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function openAgentStage(): Promise<AgentStage> {
  const [natsFolder, folder] = [temporaryFolder(), temporaryFolder()];
  const server = await startNatsServer(
    {
      binary: findNatsServer(processEnvironment()),
      ...{ storeDir: natsFolder.path, port: 0, maxPayloadBytes: LIMITS.natsPayloadBytesMax },
    },
    { clock: systemClock },
  );
  const answers: AgentStage["answers"] = [];
  const upstream = await openUpstream(answers);
  const [grpcPort, proxyPort] = [String(await freePort()), String(await freePort())];
  const agent = await startAgentProcess(folder.path, {
    DRIFTMEND_NATS_URL: server.url,
    DRIFTMEND_OTLP_GRPC_PORT: grpcPort,
    DRIFTMEND_PROXY_UPSTREAM: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    DRIFTMEND_PROXY_PORT: proxyPort,
    NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}`,
  });
  await until(async () => (await agent.self()).natsConnected, "the agent is connected");
  const nats = await connectNats({ url: server.url, name: "fuzz" }, { logger: silentLogger });
  const grpc = connect(`http://127.0.0.1:${grpcPort}`);
  return {
    ...{ agent, nats, grpc, answers, proxyUrl: `http://127.0.0.1:${proxyPort}` },
    rss: () => residentBytes(agent.pid),
    spooled: (prefix) => idsIn(folder.path, prefix),
    close: async () => {
      grpc.destroy();
      await agent.kill();
      await nats.close();
      await server.stop();
      upstream.closeAllConnections();
      upstream.close();
      for (const { remove } of [folder, natsFolder]) remove();
    },
  };
}

async function openUpstream(answers: AgentStage["answers"]): Promise<Server> {
  const server = createServer((request: IncomingMessage, response) => {
    request.resume().on("end", () => {
      const answer = answers.shift();
      response.writeHead(answer?.status ?? 500, answer?.headers);
      response.end(answer?.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

function idsIn(folder: string, prefix: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { sections } of framesIn(folder)) {
    for (const { table, payload } of sections) {
      if (table !== "predictions") continue;
      for (const { id } of rowsOf(readBlock(payload))) {
        if (typeof id !== "string" || !id.startsWith(prefix)) continue;
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
    }
  }
  return counts;
}

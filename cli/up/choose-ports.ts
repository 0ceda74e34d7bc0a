/** The ports of a system, each said where it moved. */
import { type PortWish, choosePort } from "./ports.ts";
import type { SystemPorts } from "./system.ts";

export interface AskedPorts {
  readonly gateway: number | undefined;
  readonly otlpHttp: number | undefined;
  readonly otlpGrpc: number | undefined;
  readonly nats: number | undefined;
  readonly clickhouse: number | undefined;
}

const WISHES: Readonly<Record<keyof AskedPorts, Omit<PortWish, "asked">>> = {
  gateway: { name: "the API", option: "--port", defaultPort: 7400 },
  otlpHttp: { name: "the agent (OTLP/HTTP)", option: "--otlp-http-port", defaultPort: 4318 },
  otlpGrpc: { name: "the agent (OTLP/gRPC)", option: "--otlp-grpc-port", defaultPort: 4317 },
  nats: { name: "NATS", option: "--nats-port", defaultPort: 4222 },
  clickhouse: { name: "the ClickHouse endpoint", option: "--clickhouse-port", defaultPort: 8123 },
};

export async function chooseSystemPorts(
  asked: AskedPorts,
  taken: Set<number>,
  say: (line: string) => void,
): Promise<SystemPorts> {
  const choose = async (key: keyof AskedPorts): Promise<number> => {
    const choice = await choosePort({ ...WISHES[key], asked: asked[key] }, taken);
    if (choice.kind === "moved") {
      say(`Port ${choice.from} is busy: ${WISHES[key].name} listens on ${choice.port}`);
    }
    return choice.port;
  };
  return {
    gateway: await choose("gateway"),
    otlpHttp: await choose("otlpHttp"),
    otlpGrpc: await choose("otlpGrpc"),
    nats: await choose("nats"),
    clickhouse: await choose("clickhouse"),
  };
}

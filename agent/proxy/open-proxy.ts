/** The proxy's two ports, each where a model server is named: its callers come there, and pass. */
import { createServer } from "node:http";
import type { Server } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { listenOn } from "../doors/door-server.ts";
import { CallCapture, type CaptureDeps } from "./capture-calls.ts";
import { createGrpcPass } from "./pass-grpc.ts";
import { type PassDeps, createPass } from "./pass.ts";

export interface ProxyConfig {
  readonly DRIFTMEND_HOST: string;
  readonly DRIFTMEND_PROXY_UPSTREAM?: string | undefined;
  readonly DRIFTMEND_PROXY_PORT: number;
  readonly DRIFTMEND_PROXY_GRPC_UPSTREAM?: string | undefined;
  readonly DRIFTMEND_PROXY_GRPC_PORT: number;
}

export interface ProxyDeps extends CaptureDeps {
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
}

/** @throws {DriftmendError} port_in_use */
export async function openProxy(config: ProxyConfig, deps: ProxyDeps): Promise<void> {
  const { lifecycle } = deps;
  const capture = new CallCapture(deps);
  lifecycle.defer("calls that passed", () => capture.idle());
  const http = config.DRIFTMEND_PROXY_UPSTREAM;
  if (http !== undefined) {
    const pass = createPass(passDeps(http, capture, deps));
    const server = createServer({ noDelay: true }, pass.listener);
    await open("DRIFTMEND_PROXY_PORT", server, http, config, deps);
    lifecycle.defer("proxy", () => {
      server.close();
      server.closeIdleConnections();
      pass.close();
    });
  }
  const grpc = config.DRIFTMEND_PROXY_GRPC_UPSTREAM;
  if (grpc !== undefined) {
    const pass = createGrpcPass(passDeps(grpc, capture, deps));
    await open("DRIFTMEND_PROXY_GRPC_PORT", pass.server, grpc, config, deps);
    lifecycle.defer("proxy of gRPC", () => {
      pass.server.close();
      pass.close();
    });
  }
}

async function open(
  setting: "DRIFTMEND_PROXY_PORT" | "DRIFTMEND_PROXY_GRPC_PORT",
  server: Server,
  upstream: string,
  config: ProxyConfig,
  { logger }: ProxyDeps,
): Promise<void> {
  const url = await listenOn(server, {
    host: config.DRIFTMEND_HOST,
    port: config[setting],
    setting,
  });
  logger.info({ url, upstream }, "inference calls pass through");
}

function passDeps(
  upstream: string,
  capture: CallCapture,
  { clock, counters, logger }: ProxyDeps,
): PassDeps {
  return {
    ...{ clock, upstream: new URL(upstream) },
    onPassed: (call) => capture.add(call),
    onUpstreamError: (error) => {
      counters.calls("upstream_failed", 1);
      logger.warn({ err: error, upstream }, "the model server did not answer");
    },
  };
}

/** The proxy: a thread of its own that passes, and the capture of what passed, on this one. */
import { setPriority } from "node:os";
import { Worker } from "node:worker_threads";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { CallCapture, type CaptureDeps } from "./capture-calls.ts";
import type { FromPass, PassOptions, ToPass } from "./pass-messages.ts";

export interface ProxyConfig {
  readonly DRIFTMEND_HOST: string;
  readonly DRIFTMEND_PROXY_UPSTREAM?: string | undefined;
  readonly DRIFTMEND_PROXY_PORT: number;
  readonly DRIFTMEND_PROXY_GRPC_UPSTREAM?: string | undefined;
  readonly DRIFTMEND_PROXY_GRPC_PORT: number;
}

export interface ProxyDeps extends CaptureDeps {
  readonly lifecycle: Lifecycle;
}

/** Opens it where a model server is named. @throws {DriftmendError} port_in_use */
export async function openProxy(config: ProxyConfig, deps: ProxyDeps): Promise<void> {
  const { DRIFTMEND_PROXY_UPSTREAM: http, DRIFTMEND_PROXY_GRPC_UPSTREAM: grpc } = config;
  if (http === undefined && grpc === undefined) return;
  const options: PassOptions = {
    host: config.DRIFTMEND_HOST,
    http: http === undefined ? null : { upstream: http, port: config.DRIFTMEND_PROXY_PORT },
    grpc: grpc === undefined ? null : { upstream: grpc, port: config.DRIFTMEND_PROXY_GRPC_PORT },
  };
  const capture = new CallCapture(deps);
  const worker = new Worker(workerModule(), { workerData: options });
  const say = (message: ToPass): void => worker.postMessage(message);
  const stopped = Promise.withResolvers<void>();
  const listening = Promise.withResolvers<readonly string[]>();
  const isStopping = { value: false };
  worker.on("message", (message: FromPass) => {
    switch (message.kind) {
      case "calls":
        capture.add(message.calls, message.bytes, () => say({ kind: "done", seq: message.seq }));
        break;
      case "shed":
      case "unread":
        deps.counters.calls(message.kind, 1);
        break;
      case "upstream-failed":
        deps.counters.calls("upstream_failed", 1);
        deps.logger.warn(message, "the model server did not answer");
        break;
      case "listening":
        listening.resolve(message.urls);
        break;
      case "port-in-use":
        listening.reject(portInUse(message));
        break;
      case "stopped":
        stopped.resolve();
    }
  });
  // Without the thread nobody reaches the model server: the process ends, and is started again.
  worker.on("error", (error) => {
    if (!isStopping.value) throw error;
  });
  yieldToPassing(deps);
  const urls = await listening.promise.catch(async (error: unknown) => {
    isStopping.value = true;
    await worker.terminate();
    throw error;
  });
  deps.lifecycle.defer("calls that passed", async () => {
    isStopping.value = true;
    say({ kind: "stop" });
    await stopped.promise;
    await capture.idle();
    await worker.terminate();
  });
  deps.logger.info({ urls, http, grpc }, "inference calls pass through");
}

/** Niceness of this thread beside the one that passes. */
const NICENESS = 5;

/**
 * What is captured may wait, callers may not. On Linux a process's id names its first thread alone, and threads that
 * run already keep their priority; elsewhere it would be the whole process.
 */
function yieldToPassing({ logger }: ProxyDeps): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(process.pid, NICENESS);
  } catch (error) {
    logger.debug({ err: error }, "capture keeps the priority that it has");
  }
}

function portInUse({
  setting,
  message,
}: Extract<FromPass, { kind: "port-in-use" }>): DriftmendError {
  return new DriftmendError("port_in_use", {
    retry: "never",
    message,
    next: `Name another ${setting}, or 0 for any free one.`,
  });
}

/** Beside this module, under the ending that this module has (sources or the built package). */
function workerModule(): URL {
  const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./pass-worker.${ending}`, import.meta.url);
}

/** The process of the embedded store: ClickHouse's engine behind its HTTP interface. */
import { availableParallelism } from "node:os";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { runService } from "../../runtime/service.ts";
import { embeddedSettings, endpointConfig } from "./config.ts";
import { startEndpoint } from "./endpoint.ts";
import { threadPoolSize } from "./lanes.ts";

await runService({
  name: "store",
  config: embeddedSettings,
  start: (settings, deps) => {
    const cores = availableParallelism();
    const wanted = threadPoolSize(cores);
    const threads = Number(deps.env["UV_THREADPOOL_SIZE"] ?? "4");
    if (threads < wanted) {
      throw new DriftmendError("thread_pool_small", {
        retry: "never",
        message: `Cannot start the store with UV_THREADPOOL_SIZE ${threads} as it must be at least ${wanted}: inserts would wait behind queries`,
        next: `Set UV_THREADPOOL_SIZE=${wanted} in the environment of the process.`,
      });
    }
    // The engine is in an unknown state: no clean-up is possible, a new process starts from its files.
    const onFatal = (error: unknown): void => {
      deps.logger.error({ err: error }, "the engine failed");
      process.abort();
    };
    return startEndpoint(endpointConfig(settings, cores), { ...deps, onFatal });
  },
});

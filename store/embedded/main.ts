/** The process of the embedded store: ClickHouse's engine behind its HTTP interface. */
import { availableParallelism } from "node:os";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { collectBuffersWithHeap } from "../../runtime/buffer-memory.ts";
import { runService } from "../../runtime/service.ts";
import { embeddedSettings, endpointConfig } from "./config.ts";
import { startEndpoint } from "./endpoint.ts";
import { environmentProblem, storeEnvironment } from "./process-environment.ts";

collectBuffersWithHeap();
await runService({
  name: "store",
  config: embeddedSettings,
  start: (settings, deps) => {
    const cores = availableParallelism();
    const problem = environmentProblem(deps.env, cores);
    if (problem !== undefined) {
      const wanted = Object.entries(storeEnvironment(cores)).map(
        ([name, value]) => `${name}=${value}`,
      );
      throw new DriftmendError("store_environment_wrong", {
        retry: "never",
        message: `Cannot start the store as its environment must be set before: ${problem}`,
        next: `Start it with ${wanted.join(" ")}.`,
      });
    }
    // The engine is in an unknown state: no clean-up is possible, a new process starts from files.
    const onFatal = (error: unknown): void => {
      deps.logger.error({ err: error }, "the engine failed");
      process.abort();
    };
    return startEndpoint(endpointConfig(settings, cores), { ...deps, onFatal });
  },
});

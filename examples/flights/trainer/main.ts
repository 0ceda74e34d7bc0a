/** The Node trainer as a program under INTERFACES §5: environment in, exit code out. */
import { arch, availableParallelism, cpus } from "node:os";
import { systemClock } from "../../../runtime/clock.ts";
import { processEnvironment } from "../../../runtime/env.ts";
import { trainFlights } from "./train-flights.ts";
import { TrainerFailure } from "./trainer-failure.ts";
import { trainerRequest } from "./trainer-request.ts";

/** 128 + SIGTERM: told to leave, may be started again. */
const EXIT_TERMINATED = 143;

const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

try {
  await trainFlights(trainerRequest(processEnvironment()), {
    clock: systemClock,
    signal: stop.signal,
    device: `cpu: ${cpus()[0]?.model ?? arch()}, ${availableParallelism()} cores`,
    residentBytesMax: () => process.resourceUsage().maxRSS * 1024,
  });
} catch (error) {
  if (stop.signal.aborted) {
    process.stderr.write("Training was stopped by SIGTERM; nothing was written\n");
    process.exit(EXIT_TERMINATED);
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n`);
  process.exit(error instanceof TrainerFailure ? error.exitCode : 1);
}

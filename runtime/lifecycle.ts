/**
 * Ordered clean-up: what was opened last is closed first, every step is named, bounded in time, and
 * one failing step does not keep the others from running. `stop` may be called any number of times.
 */
import type { Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";

export interface Lifecycle {
  /** Registers a clean-up step; steps run in reverse order of registration. */
  defer(step: string, close: () => Promise<void> | void): void;
  /** Runs all steps once; rejects with an AggregateError of everything that failed. */
  stop(): Promise<void>;
}

const STEP_TIMEOUT_MS = 15_000;

export function createLifecycle(deps: { clock: Clock; logger: Logger }): Lifecycle {
  const steps: { step: string; close: () => Promise<void> | void }[] = [];
  let stopping: Promise<void> | undefined;

  const runAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (let next = steps.pop(); next !== undefined; next = steps.pop()) {
      try {
        await withDeadline(deps.clock, next.step, next.close);
      } catch (error) {
        deps.logger.error({ step: next.step, err: error }, "clean-up step failed");
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "Clean-up was not complete");
  };

  return {
    defer: (step, close) => {
      steps.push({ step, close });
    },
    stop: () => (stopping ??= runAll()),
  };
}

async function withDeadline(
  clock: Clock,
  step: string,
  close: () => Promise<void> | void,
): Promise<void> {
  const done = new AbortController();
  const deadline = clock.sleep(STEP_TIMEOUT_MS, done.signal).then(
    () => {
      throw new Error(`Cannot finish "${step}" as it must end within ${STEP_TIMEOUT_MS} ms`);
    },
    () => undefined,
  );
  try {
    await Promise.race([Promise.resolve(close()), deadline]);
  } finally {
    done.abort();
  }
}

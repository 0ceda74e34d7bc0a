/**
 * One process of Driftmend, from configuration to clean stop: parses its settings, starts, says that it
 * is ready, and closes what it opened in reverse order on SIGTERM, SIGINT or when its supervisor is gone.
 */
import { z } from "zod";
import { DriftmendError, describeError } from "../contract/driftmend-error.ts";
import type { Tokens } from "./access.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Environment, parseConfig, processEnvironment } from "./env.ts";
import { type Lifecycle, createLifecycle } from "./lifecycle.ts";
import { LOG_LEVELS, type Logger, createLogger } from "./logger.ts";
import { type Metrics, createMetrics } from "./metrics.ts";
import { NamedTokens } from "./named-tokens.ts";
import { type Random, systemRandom } from "./random.ts";
import { startTelemetry } from "./telemetry.ts";

/** Settings that every service has; spread into its own schema. */
export const serviceSettings = {
  DRIFTMEND_LOG_LEVEL: z
    .enum(LOG_LEVELS)
    .prefault("info")
    .meta({ description: "Least severe log line that is written to stderr" }),
  DRIFTMEND_TOKEN: z
    .string()
    .min(16, "expected at least 16 characters")
    .optional()
    .meta({ description: "Bearer token that may act; none: routes are open (loopback only)" }),
  DRIFTMEND_READ_TOKEN: z
    .string()
    .min(16, "expected at least 16 characters")
    .optional()
    .meta({ description: "Bearer token that may read" }),
  DRIFTMEND_TOKENS_FILE: z.string().optional().meta({
    description: 'File of named tokens, which "driftmend token create" writes; shared by services',
  }),
  DRIFTMEND_HOST: z
    .string()
    .prefault("127.0.0.1")
    .meta({ description: "Address to listen on; anything but loopback needs tokens" }),
};

/** The tokens of a service's settings, named ones included. */
export function tokensOf(
  config: {
    readonly DRIFTMEND_TOKEN?: string | undefined;
    readonly DRIFTMEND_READ_TOKEN?: string | undefined;
    readonly DRIFTMEND_TOKENS_FILE?: string | undefined;
  },
  clock: Clock,
): Tokens {
  const file = config.DRIFTMEND_TOKENS_FILE;
  return {
    token: config.DRIFTMEND_TOKEN,
    readToken: config.DRIFTMEND_READ_TOKEN,
    named: file === undefined ? undefined : new NamedTokens(file, clock),
  };
}

export interface ServiceDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly metrics: Metrics;
  readonly env: Environment;
}

export interface ServiceDefinition<S extends z.ZodObject> {
  readonly name: string;
  readonly config: S;
  /** Starts everything; answers the URL that a supervisor should know. */
  start(config: z.output<S>, deps: ServiceDeps): Promise<{ url: string }>;
}

/** Exit code: configuration or state is wrong, restarting will not help (sysexits EX_CONFIG). */
export const EXIT_WRONG_STATE = 78;

export async function runService<S extends z.ZodObject>(
  definition: ServiceDefinition<S>,
): Promise<void> {
  const env = processEnvironment();
  const bootLogger = createLogger(definition.name, "info");
  let stopping = false;
  let lifecycle: Lifecycle | undefined;
  const stop = (exitCode: number): void => {
    if (stopping) return;
    stopping = true;
    void (lifecycle?.stop() ?? Promise.resolve()).then(
      () => process.exit(exitCode),
      () => process.exit(exitCode === 0 ? 1 : exitCode),
    );
  };
  const fail = (error: unknown): void => {
    bootLogger.error({ err: error }, describeError(error));
    process.send?.({ kind: "failed", message: describeError(error) });
    stop(error instanceof DriftmendError && error.retry === "never" ? EXIT_WRONG_STATE : 1);
  };
  process.on("SIGTERM", () => stop(0));
  process.on("SIGINT", () => stop(0));
  process.on("disconnect", () => stop(0));
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);
  try {
    const config = parseConfig(definition.config, env);
    const level = z.enum(LOG_LEVELS).catch("info").parse(env["DRIFTMEND_LOG_LEVEL"]);
    const logger = createLogger(definition.name, level);
    const deps = { clock: systemClock, logger };
    lifecycle = createLifecycle(deps);
    lifecycle.defer("telemetry", await startTelemetry(definition.name, env));
    const metrics = createMetrics(definition.name);
    const { url } = await definition.start(config, {
      ...deps,
      random: systemRandom,
      lifecycle,
      metrics,
      env,
    });
    logger.info({ url }, "ready");
    process.send?.({ kind: "ready", url });
  } catch (error) {
    fail(error);
  }
}

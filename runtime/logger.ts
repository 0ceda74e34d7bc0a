/** Structured logs of every process: pino to stderr, one JSON object a line. */
import { pino } from "pino";

export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger whose lines carry `service`; `stderr` keeps stdout free for what a person asked for. */
export function createLogger(service: string, level: LogLevel): Logger {
  return pino({ base: { service }, level }, pino.destination({ fd: 2, sync: true }));
}

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** What a command gets: its words, the outside, and ways to answer a person or a program. */
import type { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import type { Environment } from "../runtime/env.ts";
import type { Paint } from "./paint.ts";
import type { HowTyped } from "./typed-command.ts";

export interface CommandContext {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly clock: Clock;
  readonly env: Environment;
  readonly paint: Paint;
  readonly columns: number;
  /** How commands must be typed where this one was. */
  readonly typed: HowTyped;
  /** One line on stdout. */
  print(line: string): void;
  /** One line on stderr: what is not the answer. */
  note(line: string): void;
}

/** A command: answers the exit code. */
export type RunCommand = (context: CommandContext) => Promise<number>;

/** Options as a schema says; they were checked by the command line, so a failure is our fault. */
export function optionsOf<S extends z.ZodType>(context: CommandContext, schema: S): z.output<S> {
  return schema.parse(context.options);
}

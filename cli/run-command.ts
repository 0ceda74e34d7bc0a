/** From a command's name to the module that does it, loaded only now. */
import { z } from "zod";
import { systemClock } from "../runtime/clock.ts";
import { processEnvironment } from "../runtime/env.ts";
import type { CommandContext, RunCommand } from "./command-context.ts";
import { paintFor } from "./paint.ts";

const COMMANDS: Readonly<Record<string, () => Promise<RunCommand>>> = {
  up: async () => (await import("./commands/up.ts")).up,
};

export async function runCommand(
  name: string,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const load = COMMANDS[name];
  if (load === undefined) throw new Error(`the command "${name}" has no module`);
  const run = await load();
  const env = processEnvironment();
  const context: CommandContext = {
    args,
    options,
    clock: systemClock,
    env,
    paint: paintFor(process.stdout, env),
    columns: z.int().positive().catch(120).parse(process.stdout.columns),
    print: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
  };
  return run(context);
}

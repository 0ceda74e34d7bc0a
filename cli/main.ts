/** The `driftmend` command: parses, loads what the command needs, and turns failures into exit codes. */
import { CommanderError } from "commander";
import { createProgram } from "./program.ts";
import { version } from "./version.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** @param args without node and the program; answers the exit code */
export async function main(args: readonly string[]): Promise<number> {
  endWhenNobodyReads(args);
  let exitCode = 0;
  let dataDir: unknown;
  const program = createProgram(version(), async (name, given, options) => {
    dataDir = options["dataDir"];
    const { runCommand } = await import("./run-command.ts");
    exitCode = await runCommand(name, given, options);
  });
  for (const command of [program, ...program.commands]) {
    command.exitOverride();
    for (const sub of command.commands) sub.exitOverride();
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    const { errorLines } = await import("./error-lines.ts");
    const { paintFor } = await import("./paint.ts");
    const { processEnvironment } = await import("../runtime/env.ts");
    const { typedHere } = await import("./typed-command.ts");
    const env = processEnvironment();
    const lines = errorLines(error, paintFor(process.stderr, env), typedHere(env, dataDir));
    process.stderr.write(`${lines.join("\n")}\n`);
    return EXIT_FAILED;
  }
}

/** `driftmend runs flights | head` ends with the reader; a system that is up goes on without one. */
function endWhenNobodyReads(args: readonly string[]): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (args[0] !== "up") process.exit(0);
  });
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

/** `driftmend agent|collector|analyzer|retrainer|gateway`: one service in this process, for deployments. */
import { pathToFileURL } from "node:url";
import { modulePath } from "../places.ts";
import type { RunCommand } from "../command-context.ts";

export function service(name: string): RunCommand {
  return async () => {
    // Its main starts it and keeps the process; the exit code comes from its own stop.
    await import(pathToFileURL(modulePath(`${name}/main`)).href);
    return 0;
  };
}

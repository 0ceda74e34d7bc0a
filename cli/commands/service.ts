/** `driftmend agent|collector|analyzer|retrainer|gateway`: one service in this process, for deployments. */
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { giveEnvironment } from "../../runtime/env.ts";
import { type RunCommand, optionsOf } from "../command-context.ts";
import { modulePath } from "../places.ts";

const Options = z.object({ proxy: z.string().optional() });

export function service(name: string): RunCommand {
  return async (context) => {
    const { proxy } = optionsOf(context, Options);
    if (proxy !== undefined) giveEnvironment({ DRIFTMEND_PROXY_UPSTREAM: proxy });
    // Its main starts it and keeps the process; the exit code comes from its own stop.
    await import(pathToFileURL(modulePath(`${name}/main`)).href);
    return 0;
  };
}

/** What an example stands on: the running system, its processes, and the terminal. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ReadyFile } from "../../contract/ready-file.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ExampleStage, RunningStage } from "../../runtime/example-plan.ts";
import { createApi } from "../api.ts";
import type { Children } from "./children.ts";
import { choosePort } from "./ports.ts";
import type { Terminal } from "./story/terminal.ts";

export function exampleStage(
  dataDir: string,
  deps: { readonly clock: Clock; readonly terminal: Terminal; readonly signal: AbortSignal },
): ExampleStage {
  const folder = join(dataDir, "example");
  mkdirSync(folder, { recursive: true });
  return {
    folder,
    clock: deps.clock,
    signal: deps.signal,
    say: (line) => deps.terminal.line(line),
    progress: (text) => deps.terminal.progress(text),
  };
}

export function runningStage(
  stage: ExampleStage,
  system: ReadyFile,
  deps: { readonly children: Children; readonly taken: Set<number> },
): RunningStage {
  const api = createApi({ url: system.url, token: system.token });
  return {
    ...stage,
    system,
    choosePort: async (wanted) => {
      const wish = { name: "the example", option: "", defaultPort: wanted, asked: undefined };
      return (await choosePort(wish, deps.taken)).port;
    },
    startChild: (spec) => deps.children.startNode(spec),
    request: (method, path, body) => api.request({ method, path, body, schema: z.unknown() }),
  };
}

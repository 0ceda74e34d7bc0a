/** `driftmend completion`: the script of a shell, and for that script the names that exist right now. */
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { NAME_KINDS, type NameKind, completionScript } from "../completion-script.ts";
import { createProgram } from "../program.ts";
import { type Remote, connectRemote } from "../remote.ts";
import { version } from "../version.ts";

const Options = z.object({ names: z.enum(NAME_KINDS).optional() });

export async function completion(context: CommandContext): Promise<number> {
  const { names } = optionsOf(context, Options);
  if (names !== undefined) {
    for (const name of await namesOf(names, connectRemote(context))) context.print(name);
    return 0;
  }
  const shell = z.enum(["bash", "zsh"]).safeParse(context.args[0]);
  if (!shell.success) {
    throw new DriftmendError("usage", {
      retry: "never",
      message: "Cannot write a completion as the shell must be named: bash or zsh",
      next: 'In ~/.bashrc: eval "$(driftmend completion bash)".',
    });
  }
  context.print(
    completionScript(
      createProgram(version(), () => Promise.resolve()),
      shell.data,
    ),
  );
  return 0;
}

const SOURCES: Readonly<Record<NameKind, { path: string; list: string; key: string }>> = {
  model: { path: "/api/v1/models", list: "models", key: "model" },
  alert: { path: "/api/v1/alerts", list: "alerts", key: "id" },
  run: { path: "/api/v1/runs", list: "runs", key: "id" },
  quarantine: { path: "/api/v1/quarantine", list: "quarantine", key: "id" },
  token: { path: "/api/v1/tokens", list: "tokens", key: "name" },
};

const WORD = /^[\w@./:][\w@./:-]*$/;

async function namesOf(kind: NameKind, remote: Remote): Promise<string[]> {
  const { path, list, key } = SOURCES[kind];
  const schema = z.object({ [list]: z.array(z.record(z.string(), z.unknown())) });
  const answer = await remote.api.request({ path, schema });
  // What a shell would read otherwise than as one word is typed by hand, in quotes.
  return (answer[list] ?? []).map((entry) => String(entry[key])).filter((name) => WORD.test(name));
}

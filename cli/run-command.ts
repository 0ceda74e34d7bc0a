/** From a command's name to the module that does it, loaded only now. */
import { z } from "zod";
import { systemClock } from "../runtime/clock.ts";
import { processEnvironment } from "../runtime/env.ts";
import type { CommandContext, RunCommand } from "./command-context.ts";
import { paintFor } from "./paint.ts";
import { typedHere } from "./typed-command.ts";

const alerts = () => import("./commands/alerts.ts");
const letters = () => import("./commands/dead-letters.ts");
const loop = () => import("./commands/loop.ts");
const documents = () => import("./commands/model-documents.ts");
const models = () => import("./commands/models.ts");
const predictions = () => import("./commands/predictions.ts");
const quarantine = () => import("./commands/quarantine.ts");
const runs = () => import("./commands/runs.ts");
const token = () => import("./commands/token.ts");
const service = async (name: string) => (await import("./commands/service.ts")).service(name);

/** Every command of cli/program.ts. */
const COMMANDS: Readonly<Record<string, () => Promise<RunCommand>>> = {
  up: async () => (await import("./commands/up.ts")).up,
  agent: () => service("agent"),
  collector: () => service("collector"),
  analyzer: () => service("analyzer"),
  retrainer: () => service("retrainer"),
  gateway: () => service("cli/gateway"),
  status: async () => (await import("./commands/status.ts")).status,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  tail: async () => (await predictions()).tail,
  rows: async () => (await predictions()).rows,
  alerts: async () => (await alerts()).alerts,
  "alerts test": async () => (await alerts()).test,
  why: async () => (await alerts()).why,
  acknowledge: async () => (await alerts()).acknowledge,
  silence: async () => (await alerts()).silence,
  "quarantine list": async () => (await quarantine()).list,
  "quarantine release": async () => (await quarantine()).release,
  "loop pause": async () => (await loop()).pause,
  "loop resume": async () => (await loop()).resume,
  "loop show": async () => (await loop()).show,
  runs: async () => (await runs()).runs,
  run: async () => (await runs()).run,
  checks: async () => (await runs()).checks,
  versions: async () => (await runs()).versions,
  retrain: async () => (await runs()).retrain,
  approve: async () => (await runs()).onRun("approve"),
  reject: async () => (await runs()).onRun("reject"),
  cancel: async () => (await runs()).onRun("cancel"),
  rollback: async () => (await runs()).rollback,
  "model init": async () => (await documents()).init,
  "model apply": async () => (await documents()).apply,
  "model diff": async () => (await documents()).diff,
  "model list": async () => (await models()).list,
  "model show": async () => (await models()).show,
  "model retire": async () => (await models()).retire,
  "reference set": async () => (await import("./commands/reference.ts")).set,
  "token create": async () => (await token()).create,
  "token list": async () => (await token()).list,
  "token revoke": async () => (await token()).revoke,
  completion: async () => (await import("./commands/completion.ts")).completion,
  "labels import": async () => (await import("./commands/labels-import.ts")).labelsImport,
  "map test": async () => (await import("./commands/map-test.ts")).mapTest,
  "dead-letters list": async () => (await letters()).list,
  "dead-letters show": async () => (await letters()).show,
  "dead-letters resend": async () => (await letters()).resend,
  archive: async () => (await import("./commands/archive.ts")).archive,
  restore: async () => (await import("./commands/restore.ts")).restore,
  erase: async () => (await import("./commands/erase.ts")).erase,
  migrate: async () => (await import("./commands/migrate.ts")).migrate,
};

/** Names of all commands that can be run. */
export const commandNames = Object.keys(COMMANDS);

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
    // What is piped is cut nowhere.
    columns: z.int().positive().catch(Number.POSITIVE_INFINITY).parse(process.stdout.columns),
    typed: typedHere(env, options["dataDir"]),
    print: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
  };
  return run(context);
}

/** A command's way to the running system: found once, asked over its API, or in its ClickHouse. */
import { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import type { ReadyFile } from "../contract/ready-file.ts";
import type { Store } from "../store/client.ts";
import { type Api, createApi } from "./api.ts";
import { type CommandContext, optionsOf } from "./command-context.ts";
import { type FoundSystem, findSystem } from "./find-system.ts";

const RemoteOptions = z.object({ dataDir: z.string().optional(), json: z.boolean().optional() });

export interface Remote {
  readonly found: FoundSystem;
  readonly api: Api;
  /** Whether the answer is for a program. */
  readonly json: boolean;
}

/** @throws {DriftmendError} system_not_running */
export function connectRemote(context: CommandContext): Remote {
  const options = optionsOf(context, RemoteOptions);
  const found = findSystem(options.dataDir, context.env);
  const { url, token } =
    found.kind === "local" ? { url: found.ready.url, token: found.ready.token } : found;
  return { found, api: createApi({ url, token }), json: options.json === true };
}

/** @throws {DriftmendError} system_not_local */
export function localSystem(remote: Remote, what: string): ReadyFile {
  if (remote.found.kind === "local") return remote.found.ready;
  throw new DriftmendError("system_not_local", {
    retry: "never",
    message: `Cannot ${what} as the system must run on this machine: DRIFTMEND_URL names "${remote.found.url}"`,
    next: "Ask its ClickHouse for the rows, or name a data directory of this machine with --data-dir.",
  });
}

/** Runs `work` with the store of a local system. */
export async function withStore<T>(
  context: CommandContext,
  ready: ReadyFile,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const { silentLogger } = await import("../runtime/logger.ts");
  const { openStore } = await import("../store/client.ts");
  const deps = { clock: context.clock, logger: silentLogger };
  const store = openStore({ ...ready.clickhouse, database: "default" }, deps);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Prints JSON for a program, else the lines for a person. */
export function answer(
  context: CommandContext,
  remote: Pick<Remote, "json">,
  value: unknown,
  lines: () => readonly string[],
): void {
  if (remote.json) context.print(JSON.stringify(value, null, 2));
  else for (const line of lines()) context.print(line);
}

export const encode = encodeURIComponent;

/** The store whose data a command moves: that of DRIFTMEND_CLICKHOUSE_URL, else of the system on this machine. */
import { z } from "zod";
import { parseConfig } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { type Store, openStore } from "../../store/client.ts";
import { checkSchema } from "../../store/migrate.ts";
import type { CommandContext } from "../command-context.ts";
import { connectRemote, localSystem } from "../remote.ts";

export const ClickHouseSettings = z.object({
  DRIFTMEND_CLICKHOUSE_URL: z.url(),
  DRIFTMEND_CLICKHOUSE_USER: z.string().prefault("default"),
  DRIFTMEND_CLICKHOUSE_PASSWORD: z.string().prefault(""),
  DRIFTMEND_CLICKHOUSE_DATABASE: z.string().prefault("driftmend"),
});

/** @throws {DriftmendError} system_not_running, system_not_local, schema_missing */
export async function withDataStore<T>(
  context: CommandContext,
  what: string,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = openStore(optionsOfStore(context, what), {
    clock: context.clock,
    logger: silentLogger,
  });
  try {
    await checkSchema(store);
    return await work(store);
  } finally {
    await store.close();
  }
}

function optionsOfStore(context: CommandContext, what: string) {
  const { dataDir } = context.options;
  if (dataDir === undefined && (context.env["DRIFTMEND_CLICKHOUSE_URL"] ?? "") !== "") {
    return storeOptions(context);
  }
  const { url, user, password } = localSystem(connectRemote(context), what).clickhouse;
  return { url, user, password, database: "default" };
}

export function storeOptions({ env }: Pick<CommandContext, "env">) {
  const settings = parseConfig(ClickHouseSettings, env);
  return {
    url: settings.DRIFTMEND_CLICKHOUSE_URL,
    user: settings.DRIFTMEND_CLICKHOUSE_USER,
    password: settings.DRIFTMEND_CLICKHOUSE_PASSWORD,
    database: settings.DRIFTMEND_CLICKHOUSE_DATABASE,
  };
}

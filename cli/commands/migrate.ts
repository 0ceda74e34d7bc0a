/** `driftmend migrate`: brings the tables of a ClickHouse server to this version; `up` does it by itself. */
import { z } from "zod";
import { parseConfig } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { openStore } from "../../store/client.ts";
import { migrate as migrateStore } from "../../store/migrate.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";

const Options = z.object({ cluster: z.string().optional(), replicated: z.boolean().optional() });

const Settings = z.object({
  DRIFTMEND_CLICKHOUSE_URL: z.url(),
  DRIFTMEND_CLICKHOUSE_USER: z.string().prefault("default"),
  DRIFTMEND_CLICKHOUSE_PASSWORD: z.string().prefault(""),
  DRIFTMEND_CLICKHOUSE_DATABASE: z.string().prefault("default"),
});

export async function migrate(context: CommandContext): Promise<number> {
  const options = optionsOf(context, Options);
  const settings = parseConfig(Settings, context.env);
  const store = openStore(
    {
      url: settings.DRIFTMEND_CLICKHOUSE_URL,
      user: settings.DRIFTMEND_CLICKHOUSE_USER,
      password: settings.DRIFTMEND_CLICKHOUSE_PASSWORD,
      database: settings.DRIFTMEND_CLICKHOUSE_DATABASE,
    },
    { clock: context.clock, logger: silentLogger },
  );
  try {
    const { applied } = await migrateStore(
      store,
      {
        replicated: options.replicated === true,
        ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
      },
      context,
    );
    context.print(
      applied.length === 0
        ? "The tables are up to date"
        : `Brought up to date: ${applied.join(", ")}`,
    );
    return 0;
  } finally {
    await store.close();
  }
}

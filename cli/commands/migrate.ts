/** `driftmend migrate`: brings the tables of a ClickHouse server to this version; `up` does it by itself. */
import { z } from "zod";
import { silentLogger } from "../../runtime/logger.ts";
import { openStore } from "../../store/client.ts";
import { migrate as migrateStore } from "../../store/migrate.ts";
import { storeOptions } from "../archive/data-store.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";

const Options = z.object({ cluster: z.string().optional(), replicated: z.boolean().optional() });

export async function migrate(context: CommandContext): Promise<number> {
  const options = optionsOf(context, Options);
  const deps = { clock: context.clock, logger: silentLogger };
  const store = openStore(storeOptions(context), deps);
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

/** `driftmend migrate`: brings the tables of a ClickHouse server to this version; `up` does it by itself. */
import { z } from "zod";
import { silentLogger } from "../../runtime/logger.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { ColdTier, Retention } from "../../store/retention.ts";
import { openStore } from "../../store/client.ts";
import { migrate as migrateStore } from "../../store/migrate.ts";
import { storeOptions } from "../archive/data-store.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";

const Days = z.array(z.string()).prefault([]);
const Options = z.object({
  cluster: z.string().optional(),
  replicated: z.boolean().optional(),
  retention: Days,
  cold: Days,
  coldVolume: z.string().optional(),
  storagePolicy: z.string().optional(),
});
type Options = z.output<typeof Options>;

export async function migrate(context: CommandContext): Promise<number> {
  const options = optionsOf(context, Options);
  const deps = { clock: context.clock, logger: silentLogger };
  const store = openStore(storeOptions(context), deps);
  try {
    const { applied } = await migrateStore(
      store,
      {
        replicated: options.replicated === true,
        retention: daysOf("retention", options.retention, Retention),
        ...coldTier(options, context),
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

/** `--cold` with the volume of the option, else of the environment. */
function coldTier(options: Options, { env }: CommandContext): { cold?: ColdTier } {
  if (options.cold.length === 0) return {};
  const volume = options.coldVolume ?? env["DRIFTMEND_COLD_VOLUME"] ?? "";
  const policy = options.storagePolicy ?? env["DRIFTMEND_STORAGE_POLICY"] ?? "";
  const days = daysOf("cold", options.cold, ColdTier.shape.days);
  const parsed = ColdTier.safeParse({ policy, volume, days });
  if (parsed.success) return { cold: parsed.data };
  throw usage(
    `--cold needs a storage policy of the server and its volume: ${z.prettifyError(parsed.error)}`,
  );
}

/** ["predictions=30"] → {predictions: 30}. */
function daysOf<S extends z.ZodObject>(
  option: string,
  given: readonly string[],
  schema: S,
): z.output<S> {
  const entries = given.map((text) => {
    const [table = "", days = ""] = text.split("=");
    return [table, Number(days)] as const;
  });
  const parsed = schema.safeParse(Object.fromEntries(entries));
  if (parsed.success) return parsed.data;
  throw usage(`--${option} takes table=days: ${z.prettifyError(parsed.error)}`);
}

const usage = (state: string): DriftmendError =>
  new DriftmendError("usage", {
    retry: "never",
    message: `Cannot migrate as every option must be valid: ${state}`,
    next: '"driftmend migrate --help" has examples.',
  });

/** `driftmend up`: from the words of the command line to a system. */
import { resolve } from "node:path";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { ExamplePlan } from "../../runtime/example-plan.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { defaultDataDirectory } from "../places.ts";
import { splitDisk } from "../up/disk-budget.ts";
import { directoryForOnce } from "../up/data-directory.ts";
import { loadExample } from "../up/load-example.ts";
import { runUp } from "../up/run-up.ts";
import {
  type SettingsByService,
  type UpSettings,
  mergeSettings,
  readSettingsFile,
} from "../up/settings-file.ts";
import { createTerminal } from "../up/story/terminal.ts";

const Options = z.object({
  example: z.boolean().optional(),
  once: z.boolean().optional(),
  dataDir: z.string().optional(),
  config: z.string().optional(),
  port: z.int().optional(),
  otlpHttpPort: z.int().optional(),
  otlpGrpcPort: z.int().optional(),
  natsPort: z.int().optional(),
  clickhousePort: z.int().optional(),
  readyFile: z.string().optional(),
  speed: z.number().optional(),
  seed: z.int().optional(),
  troubles: z.boolean().prefault(true),
  permuteLabels: z.boolean().optional(),
  disk: z.number().optional(),
  trainer: z.enum(["node", "torch"]).optional(),
});
type Options = z.output<typeof Options>;

export async function up(context: CommandContext): Promise<number> {
  const options = optionsOf(context, Options);
  const example = await exampleOf(options);
  const once = options.once === true;
  const nowMs = context.clock.nowMs();
  const dataDir = once
    ? directoryForOnce(options.dataDir, nowMs)
    : (options.dataDir ?? defaultDataDirectory());
  const { stdout } = process;
  const terminal = createTerminal({
    write: (text) => stdout.write(text),
    isTerminal: stdout.isTTY,
    columns: () => stdout.columns,
    clock: context.clock,
  });
  const settings =
    options.config === undefined
      ? { byService: {}, retentionDays: {} }
      : readSettingsFile(options.config);
  return runUp(
    {
      dataDir,
      once,
      readyFile: options.readyFile === undefined ? undefined : resolve(options.readyFile),
      settings: withDisk(settings, options.disk),
      ports: {
        gateway: options.port,
        otlpHttp: options.otlpHttpPort,
        otlpGrpc: options.otlpGrpcPort ?? grpcPortIn(settings.byService),
        nats: options.natsPort,
        clickhouse: options.clickhousePort,
      },
      example,
    },
    { ...context, terminal },
  );
}

/** What the file says itself comes before its part of the disk. */
function withDisk(settings: UpSettings, bytes: number | undefined): UpSettings {
  if (bytes === undefined) return settings;
  const { byService } = settings;
  const shards = Number(byService["collector"]?.["DRIFTMEND_SHARDS"] ?? LIMITS.shards);
  return { ...settings, byService: mergeSettings(splitDisk(bytes, shards), byService) };
}

/** As the file asks for it, where it does: it is chosen here, for 0 means a free one and ready.json names it. */
function grpcPortIn({ agent }: SettingsByService): number | undefined {
  const port = Number(agent?.["DRIFTMEND_OTLP_GRPC_PORT"] ?? Number.NaN);
  return Number.isInteger(port) ? port : undefined;
}

async function exampleOf(options: Options): Promise<ExamplePlan | undefined> {
  if (options.example === true) {
    return loadExample({
      speed: options.speed,
      seed: options.seed,
      troubles: options.troubles,
      permuteLabels: options.permuteLabels ?? false,
      trainer: options.trainer,
    });
  }
  if (options.once !== true) return undefined;
  throw new DriftmendError("usage", {
    retry: "never",
    message: "Cannot run once as there must be a story to tell: --example is missing",
    next: 'Type "npm start -- --once", or "driftmend up --example --once".',
  });
}

/** The stop switch of automatic action, per model or for all. */
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { Duration } from "../../contract/duration.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatInstant } from "../format.ts";
import { type Remote, answer, connectRemote, encode } from "../remote.ts";
import { asTyped } from "../typed-command.ts";
import { listModels } from "./models.ts";

const span = z.string().refine((text) => Duration.safeParse(text).success, "expected 8h or 2d");
const Options = z.object({ all: z.boolean().optional(), for: span.optional() });

export async function pause(context: CommandContext): Promise<number> {
  const options = optionsOf(context, Options);
  // The span is of the model's clock, so the service turns it into a time.
  const body = { mode: "paused", ...(options.for === undefined ? {} : { for: options.for }) };
  return set(
    context,
    body,
    `paused ${options.for === undefined ? 'until "driftmend loop resume"' : `for ${options.for} of its own clock`}`,
  );
}

export async function resume(context: CommandContext): Promise<number> {
  return set(context, { mode: "resume" }, "as its document says again");
}

export async function show(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const model = context.args[0] ?? "";
  const state = await remote.api.request({
    path: `/api/v1/models/${encode(model)}/loop`,
    schema: z.looseObject({
      mode: z.string().nullable(),
      until: z.string().nullish(),
      override: z.unknown().optional(),
      at: z.string().nullish(),
    }),
  });
  answer(context, remote, state, () => [loopLine(model, state)]);
  return 0;
}

/** "flights: paused by hand until Sat 2026-10-17 02:00 UTC (the model's clock is at …)". */
export function loopLine(
  model: string,
  state: {
    readonly mode: string | null;
    readonly until?: string | null | undefined;
    readonly override?: unknown;
    readonly at?: string | null | undefined;
  },
): string {
  if (state.mode === null) return `${model}: no document, so it is watched and never retrained`;
  const by = state.override == null ? "as its document says" : "switched by hand";
  const until = state.until == null ? "" : `, until ${formatInstant(state.until)}`;
  const clock = state.at == null ? "" : ` (the model's clock: ${formatInstant(state.at)})`;
  return `${model}: ${state.mode}, ${by}${until}${clock}`;
}

async function set(context: CommandContext, body: object, done: string): Promise<number> {
  const remote = connectRemote(context);
  const models = await chosen(context, remote);
  const by = { by: context.env["USER"] ?? "cli" };
  const results: unknown[] = [];
  for (const model of models) {
    const path = `/api/v1/models/${encode(model)}/loop`;
    results.push(
      await remote.api.request({
        method: "POST",
        path,
        body: { ...by, ...body },
        schema: z.unknown(),
      }),
    );
  }
  answer(context, remote, results, () =>
    models.map((model) => asTyped(`${model}: ${done}`, context.typed)),
  );
  return 0;
}

async function chosen(context: CommandContext, remote: Remote): Promise<readonly string[]> {
  const { all } = optionsOf(context, Options);
  const [model] = context.args;
  if (all === true) return (await listModels(remote)).map(({ model: name }) => name);
  if (model !== undefined) return [model];
  throw new DriftmendError("usage", {
    retry: "never",
    message: "Cannot tell which model is meant: neither a model nor --all was given",
    next: 'Name one ("driftmend loop pause flights"), or say --all.',
  });
}

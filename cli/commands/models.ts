/** Models that are known: listed with how they fare, their documents shown, retired. */
import { z } from "zod";
import type { CommandContext } from "../command-context.ts";
import { formatCount, formatNumber, formatTime } from "../format.ts";
import { type Remote, answer, connectRemote, encode } from "../remote.ts";
import { renderTable } from "../table.ts";
import { asTyped } from "../typed-command.ts";

const ModelEntry = z.looseObject({
  model: z.string(),
  status: z.string(),
  file: z.string().nullish(),
  state: z.string(),
  traffic: z.looseObject({ day: z.string(), predictions: z.number() }).nullable(),
  skill: z.number().nullable(),
  labelCoverage: z.number().nullable(),
  drift: z.looseObject({ drifted: z.number(), features: z.number() }).nullable(),
  lastChange: z.looseObject({ at: z.string(), what: z.string() }).nullable(),
});
type ModelEntry = z.output<typeof ModelEntry>;

/** Every model that is known, with how it fares. */
export async function listModels(remote: Remote): Promise<ModelEntry[]> {
  const schema = z.object({ models: z.array(ModelEntry) });
  return (await remote.api.request({ path: "/api/v1/models", schema })).models;
}

const STATE_STYLE = { page: "red", ticket: "yellow", info: "cyan", ok: "green" } as const;

export function modelTable(models: readonly ModelEntry[], context: CommandContext): string[] {
  const paintState = (state: string): string =>
    context.paint(STATE_STYLE[state as keyof typeof STATE_STYLE] ?? "dim", state);
  return renderTable<ModelEntry>(
    [
      { title: "model", value: ({ model }) => model },
      { title: "state", value: ({ state }) => paintState(state) },
      { title: "document", value: ({ status, file }) => file ?? status },
      {
        title: "last day, predictions",
        value: ({ traffic }) => (traffic === null ? "" : formatCount(traffic.predictions)),
        align: "right",
      },
      { title: "skill", value: ({ skill }) => number(skill), align: "right" },
      { title: "with label", value: ({ labelCoverage }) => percent(labelCoverage), align: "right" },
      {
        title: "features drifting",
        value: ({ drift }) => (drift === null ? "" : `${drift.drifted} of ${drift.features}`),
      },
      { title: "last change", value: ({ lastChange }) => lastChange?.what ?? "" },
      {
        title: "at (UTC)",
        value: ({ lastChange }) =>
          lastChange === null ? "" : formatTime(Date.parse(lastChange.at)),
      },
    ],
    models,
    context,
  );
}

const number = (value: number | null): string => (value === null ? "" : formatNumber(value));
const percent = (share: number | null): string =>
  share === null ? "" : `${(share * 100).toFixed(0)} %`;

export async function list(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const models = await listModels(remote);
  answer(context, remote, models, () =>
    models.length === 0
      ? [
          asTyped(
            'No models yet: send predictions (docs/attaching.md); "driftmend model apply -f <file>" stores a document',
            context.typed,
          ),
        ]
      : modelTable(models, context),
  );
  return 0;
}

const Whole = z.looseObject({
  revision: z.number(),
  updated: z.string(),
  by: z.string(),
  file: z.string().nullable(),
  given: z.record(z.string(), z.unknown()),
});

export async function show(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const { revision, updated, by, file, given } = await remote.api.request({
    path: `/api/v1/models/${encode(context.args[0] ?? "")}?view=whole`,
    schema: Whole,
  });
  const status = { revision, updated, by, file };
  const { stringify } = await import("yaml");
  answer(context, remote, { ...given, status }, () => [
    context.paint(
      "dim",
      file === null
        ? `# revision ${revision}, put by ${by} at ${updated}`
        : `# revision ${revision} of ${updated}, from "${file}" of the watched folder: change it there, this is a copy`,
    ),
    ...stringify(given).trimEnd().split("\n"),
  ]);
  return 0;
}

export async function retire(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const name = context.args[0] ?? "";
  const result = await remote.api.request({
    method: "DELETE",
    path: `/api/v1/models/${encode(name)}?by=${encode(context.env["USER"] ?? "cli")}`,
    schema: z.unknown(),
  });
  answer(context, remote, result, () => [`"${name}" is not watched any more; its data stays`]);
  return 0;
}

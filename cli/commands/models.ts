/** Onboarding documents: stored, listed, shown, retired. */
import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatCount, formatNumber, formatTime } from "../format.ts";
import { type Remote, answer, connectRemote, encode } from "../remote.ts";
import { renderTable } from "../table.ts";
import { asTyped } from "../typed-command.ts";

const ApplyOptions = z.object({ file: z.string(), dryRun: z.boolean().optional() });
const ModelEntry = z.looseObject({
  model: z.string(),
  status: z.string(),
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
      { title: "document", value: ({ status }) => status },
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
            'No models yet: "driftmend model apply -f <file>" stores a document',
            context.typed,
          ),
        ]
      : modelTable(models, context),
  );
  return 0;
}

export async function show(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const document = await remote.api.request({
    path: `/api/v1/models/${encode(context.args[0] ?? "")}`,
    schema: z.unknown(),
  });
  answer(context, remote, document, () => stringify(document).trimEnd().split("\n"));
  return 0;
}

export async function apply(context: CommandContext): Promise<number> {
  const options = optionsOf(context, ApplyOptions);
  const document = readDocument(options.file);
  const parsed = OnboardingDocument.safeParse(document);
  if (!parsed.success) throw invalid(options.file, z.prettifyError(parsed.error), parsed.error);
  const { name } = parsed.data.metadata;
  if (options.dryRun === true) {
    const json = context.options["json"] === true;
    answer(context, { json }, parsed.data, () => [
      `The document of "${name}" is valid; nothing was stored`,
    ]);
    return 0;
  }
  const remote = connectRemote(context);
  const path = `/api/v1/models/${encode(name)}?by=${encode(context.env["USER"] ?? "cli")}`;
  // As it was written: the service fills defaults in, and shows what is in force.
  const result = await remote.api.request({
    method: "PUT",
    path,
    body: document,
    schema: z.unknown(),
  });
  answer(context, remote, result, () => [
    asTyped(
      `The document of "${name}" is in force; "driftmend model show ${name}" shows it with its defaults`,
      context.typed,
    ),
  ]);
  return 0;
}

export async function retire(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const name = context.args[0] ?? "";
  const result = await remote.api.request({
    method: "DELETE",
    path: `/api/v1/models/${encode(name)}`,
    schema: z.unknown(),
  });
  answer(context, remote, result, () => [`"${name}" is not watched any more; its data stays`]);
  return 0;
}

function readDocument(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw invalid(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function invalid(path: string, state: string, cause: unknown): DriftmendError {
  return new DriftmendError("document_invalid", {
    retry: "never",
    message: `Cannot use "${path}" as an onboarding document: ${state}`,
    next: "Correct it and apply it again; nothing was stored. README.md has a short document that is whole.",
    cause,
  });
}

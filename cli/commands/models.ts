/** Onboarding documents: stored, listed, shown, retired. */
import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { listOf } from "../list-of.ts";
import { type Remote, answer, connectRemote, encode } from "../remote.ts";
import { renderTable } from "../table.ts";

const ApplyOptions = z.object({ file: z.string(), dryRun: z.boolean().optional() });
const Named = z.union([
  z.string(),
  z.looseObject({ model: z.string() }).transform(({ model }) => model),
  z.looseObject({ name: z.string() }).transform(({ name }) => name),
  z
    .looseObject({ metadata: z.looseObject({ name: z.string() }) })
    .transform(({ metadata }) => metadata.name),
]);

export async function modelNames(remote: Remote): Promise<string[]> {
  return remote.api.request({ path: "/api/v1/models", schema: listOf(Named) });
}

export async function list(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const entries = await remote.api.request({
    path: "/api/v1/models",
    schema: listOf(z.unknown()),
  });
  answer(context, remote, entries, () =>
    entries.length === 0
      ? ['No models yet: "driftmend model apply -f <file>" stores a document']
      : renderTable<string>(
          [{ title: "model", value: (name) => name }],
          entries.map((entry) => Named.parse(entry)),
          context,
        ),
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
  const path = `/api/v1/models/${encode(name)}`;
  // As it was written: the service fills defaults in, and shows what is in force.
  const result = await remote.api.request({
    method: "PUT",
    path,
    body: document,
    schema: z.unknown(),
  });
  answer(context, remote, result, () => [`The document of "${name}" is in force`]);
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
    next: "Correct it and apply it again; nothing was stored.",
    cause,
  });
}

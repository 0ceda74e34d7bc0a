/** Documents of models from first guess to force: proposed, compared, tried, applied. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { type ReadDocument, documentsOf, readDocumentFiles } from "../../runtime/document-files.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { Preview, differenceLines, previewLines } from "../preview-lines.ts";
import { Proposal, proposalText } from "../proposal-text.ts";
import { type Remote, answer, connectRemote, encode } from "../remote.ts";
import { asTyped } from "../typed-command.ts";

const InitOptions = z.object({ output: z.string().optional(), force: z.boolean().optional() });
const ApplyOptions = z.object({
  file: z.string(),
  dryRun: z.boolean().optional(),
  past: z.string().prefault("14d"),
});
const DiffOptions = z.object({ file: z.string().optional() });
/** A dry run walks weeks of windows. */
const PREVIEW_TIMEOUT_MS = 600_000;

export async function init(context: CommandContext): Promise<number> {
  const { output, force } = optionsOf(context, InitOptions);
  const remote = connectRemote(context);
  const name = context.args[0] ?? "";
  const path = `/api/v1/models/${encode(name)}/proposal`;
  const proposal = await remote.api.request({ path, schema: Proposal });
  const text = asTyped(proposalText(proposal), context.typed);
  if (output === undefined) {
    answer(context, remote, proposal, () => text.trimEnd().split("\n"));
    return 0;
  }
  if (existsSync(output) && force !== true) {
    throw new DriftmendError("file_exists", {
      retry: "never",
      message: `Cannot write the document to "${output}" as the file must not be there yet`,
      next: "Name another file, or add --force.",
    });
  }
  writeFileSync(output, text);
  answer(context, remote, { ...proposal, file: output }, () => [
    `Wrote "${output}": read every line and finish it, then`,
    asTyped(`  driftmend model apply -f ${output} --dry-run`, context.typed),
  ]);
  return 0;
}

export async function apply(context: CommandContext): Promise<number> {
  const { file, dryRun, past } = optionsOf(context, ApplyOptions);
  const documents = readAll(file);
  if (dryRun === true) return tryOut(documents, past, context);
  const remote = connectRemote(context);
  const results: Applied[] = [];
  for (const document of documents) results.push(await put(document, remote, context));
  answer(context, remote, { documents: results }, () =>
    results.map(({ model, action, from, revision, error }) =>
      error === null
        ? `${context.paint(action === "unchanged" ? "dim" : "green", action.padEnd(9))} ${model}, revision ${revision ?? 0} (${from})`
        : `${context.paint("red", action.padEnd(9))} ${model} (${from}): ${error}`,
    ),
  );
  return results.some(({ error }) => error !== null) ? 1 : 0;
}

export async function diff(context: CommandContext): Promise<number> {
  const { file } = optionsOf(context, DiffOptions);
  const remote = connectRemote(context);
  const documents = file === undefined ? [await holding(remote, context)] : readAll(file);
  const previews: Preview[] = [];
  for (const document of documents) previews.push(await preview(document, "0d", remote));
  answer(context, remote, { documents: previews }, () =>
    previews.flatMap((one, i) => [
      ...(i === 0 ? [] : [""]),
      ...(previews.length === 1 ? [] : [context.paint("bold", one.model)]),
      ...differenceLines(one, context),
    ]),
  );
  return 0;
}

async function holding(remote: Remote, { args }: CommandContext): Promise<ReadDocument> {
  const [model] = args;
  if (model === undefined) {
    throw new DriftmendError("usage", {
      retry: "never",
      message: "Cannot compare a document as it must be named: neither a model nor -f was given",
      next: '"driftmend model diff M" compares what holds with the traffic, "driftmend model diff -f F" a file with both.',
    });
  }
  const path = `/api/v1/models/${encode(model)}`;
  return {
    model,
    from: "what holds",
    given: await remote.api.request({ path, schema: z.unknown() }),
  };
}

/** @throws {DriftmendError} document_invalid for the first file that is wrong; nothing is applied then */
function readAll(path: string): readonly ReadDocument[] {
  const files =
    path === "-" ? [{ name: "stdin", text: readFileSync(0, "utf8") }] : readDocumentFiles(path);
  const { documents, failures } = documentsOf(files);
  const [failure] = failures;
  if (failure !== undefined) {
    if (failures.length === 1) throw failure.error;
    throw new DriftmendError("document_invalid", {
      retry: "never",
      message: failures.map(({ error }) => error.message).join("\n"),
      ...(failure.error.next === undefined ? {} : { next: failure.error.next }),
    });
  }
  if (documents.length > 0) return documents;
  throw new DriftmendError("document_unreadable", {
    retry: "never",
    message: `Cannot find a document in "${path}": there is none with kind: Model`,
    next: '"driftmend model init M" writes one from the traffic.',
  });
}

async function tryOut(
  documents: readonly ReadDocument[],
  past: string,
  context: CommandContext,
): Promise<number> {
  const asJson = context.options["json"] === true;
  let remote: Remote;
  try {
    remote = connectRemote(context);
  } catch (error) {
    if (!(error instanceof DriftmendError) || error.code !== "system_not_running") throw error;
    const valid = documents.map(({ model, from }) => ({ model, from, valid: true }));
    answer(context, { json: asJson }, { documents: valid }, () =>
      documents.map(({ model }) => `The document of "${model}" is valid; nothing was stored`),
    );
    context.note("No system runs here, so it is compared with nothing.");
    return 0;
  }
  const previews: Preview[] = [];
  for (const document of documents) previews.push(await preview(document, past, remote));
  answer(context, remote, { documents: previews }, () =>
    previews.flatMap((one, i) => [...(i === 0 ? [] : [""]), ...previewLines(one, context)]),
  );
  return previews.some(({ refusal }) => refusal !== null) ? 1 : 0;
}

function preview({ model, given }: ReadDocument, past: string, remote: Remote): Promise<Preview> {
  return remote.api.request({
    method: "POST",
    path: `/api/v1/models/${encode(model)}/preview?past=${encode(past)}`,
    body: given,
    schema: Preview,
    timeoutMs: PREVIEW_TIMEOUT_MS,
  });
}

interface Applied {
  readonly model: string;
  readonly from: string;
  readonly action: "created" | "changed" | "unchanged" | "refused";
  readonly revision: number | null;
  readonly error: string | null;
}

const Stored = z.looseObject({ revision: z.number() });
const Holding = Stored.extend({ given: z.unknown() });

async function put(
  { model, from, given }: ReadDocument,
  remote: Remote,
  context: CommandContext,
): Promise<Applied> {
  const path = `/api/v1/models/${encode(model)}`;
  try {
    const holds = await remote.api
      .request({ path: `${path}?view=whole`, schema: Holding })
      .catch((error: unknown) => {
        if (error instanceof DriftmendError && error.code === "not_found") return null;
        throw error;
      });
    if (holds !== null && JSON.stringify(holds.given) === JSON.stringify(given)) {
      return { model, from, action: "unchanged", revision: holds.revision, error: null };
    }
    const by = encode(context.env["USER"] ?? "cli");
    const { revision } = await remote.api.request({
      method: "PUT",
      path: `${path}?by=${by}`,
      // As it was written: the service fills defaults in.
      body: given,
      schema: Stored,
    });
    return { model, from, action: holds === null ? "created" : "changed", revision, error: null };
  } catch (error) {
    if (!(error instanceof DriftmendError) || error.code === "system_unreachable") throw error;
    const text = `${error.message} [${error.code}]`;
    return { model, from, action: "refused", revision: null, error: text };
  }
}

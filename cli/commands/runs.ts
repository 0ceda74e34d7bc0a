/** The loop as people look at it and act on it: runs, checks, versions. */
import { z } from "zod";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatFact, formatTime } from "../format.ts";
import { checkModel } from "../known-models.ts";
import { pathOfId } from "../find-id.ts";
import { answer, connectRemote, encode } from "../remote.ts";
import { type Column, renderPairs, renderTable } from "../table.ts";
import { asTyped } from "../typed-command.ts";

const Run = z.looseObject({
  id: z.string(),
  at: z.string(),
  decision: z.string(),
  status: z.string(),
  verdict: z.string().nullish(),
  version: z.string().nullish(),
  reason: z.string().nullish(),
});

const time = (text: string | null | undefined): string =>
  text == null ? "" : formatTime(Date.parse(text));

export async function runs(context: CommandContext): Promise<number> {
  return show(context, "runs", Run, [
    { title: "run", value: ({ id }) => id },
    { title: "at (UTC)", value: ({ at }) => time(at) },
    { title: "decision", value: ({ decision }) => decision },
    { title: "judge", value: ({ verdict }) => verdict ?? "" },
    { title: "state", value: ({ status }) => status },
    { title: "version", value: ({ version }) => version ?? "" },
    { title: "why", value: ({ reason }) => reason ?? "" },
  ]);
}

const Check = z.looseObject({
  at: z.string(),
  trigger: z.string(),
  decision: z.string(),
  reason: z.string(),
});

export async function checks(context: CommandContext): Promise<number> {
  return show(context, "checks", Check, [
    { title: "at (UTC)", value: ({ at }) => time(at) },
    { title: "decision", value: ({ decision }) => decision },
    { title: "trigger", value: ({ trigger }) => trigger },
    { title: "why", value: ({ reason }) => reason },
  ]);
}

const Version = z.looseObject({
  version: z.string(),
  status: z.string(),
  origin: z.string(),
  runId: z.string().nullable(),
  parentVersion: z.string().nullable(),
  registered: z.string(),
  promoted: z.string().nullable(),
});

export async function versions(context: CommandContext): Promise<number> {
  return show(context, "versions", Version, [
    { title: "version", value: ({ version }) => version },
    { title: "state", value: ({ status }) => status },
    { title: "origin", value: ({ origin }) => origin },
    { title: "run", value: ({ runId }) => runId ?? "" },
    { title: "after", value: ({ parentVersion }) => parentVersion ?? "" },
    { title: "registered (UTC)", value: ({ registered }) => time(registered) },
    { title: "promoted (UTC)", value: ({ promoted }) => time(promoted) },
  ]);
}

/** What to type next. */
const MORE = {
  runs: ["", 'Steps, gates and numbers of one: "driftmend run <run>"'],
  checks: [],
  versions: [],
} as const;

async function show<S extends z.ZodType>(
  context: CommandContext,
  part: "runs" | "checks" | "versions",
  schema: S,
  columns: readonly Column<z.output<S>>[],
): Promise<number> {
  const remote = connectRemote(context);
  const model = context.args[0] ?? "";
  const listed = await remote.api.request({
    path: `/api/v1/models/${encode(model)}/${part}`,
    schema: z.object({ [part]: z.array(schema) }),
  });
  const rows = listed[part] ?? [];
  if (rows.length === 0) await checkModel(remote, model);
  answer(context, remote, rows, () =>
    rows.length === 0
      ? [`No ${part} of "${model}" so far`]
      : [
          ...renderTable(columns, rows, context),
          ...MORE[part].map((line) => asTyped(line, context.typed)),
        ],
  );
  return 0;
}

export async function run(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const { path } = await pathOfId(remote, "run", context.args[0] ?? "");
  const found = await remote.api.request({ path, schema: z.record(z.string(), z.unknown()) });
  answer(context, remote, found, () => renderPairs(flatten(found), context));
  return 0;
}

/** Nested objects as "a.b" lines, so that nothing of a run is hidden; what is empty says nothing. */
function flatten(value: Readonly<Record<string, unknown>>, prefix = ""): [string, string][] {
  return Object.entries(value).flatMap(([name, inner]): [string, string][] => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    if (typeof inner === "object" && inner !== null) {
      return flatten(inner as Record<string, unknown>, path);
    }
    return inner === null || inner === "" ? [] : [[path, formatFact(name, inner)]];
  });
}

const ReasonOptions = z.object({ reason: z.string().optional(), to: z.string().optional() });

export async function retrain(context: CommandContext): Promise<number> {
  const model = context.args[0] ?? "";
  return act(
    context,
    `/api/v1/models/${encode(model)}/runs`,
    `${model}: a run is asked for; "driftmend runs ${model}" shows how it goes`,
  );
}

export async function rollback(context: CommandContext): Promise<number> {
  const model = context.args[0] ?? "";
  const path = `/api/v1/models/${encode(model)}/rollback`;
  return act(
    context,
    path,
    `${model}: taking the version back; "driftmend versions ${model}" shows which one serves`,
  );
}

export function onRun(
  action: "approve" | "reject" | "cancel",
): (context: CommandContext) => Promise<number> {
  return async (context) => {
    const { id, path } = await pathOfId(connectRemote(context), "run", context.args[0] ?? "");
    return act(
      context,
      `${path}/${action}`,
      `Run ${id}: ${action} is noted; "driftmend run ${id}" shows what comes of it`,
    );
  };
}

async function act(context: CommandContext, path: string, done: string): Promise<number> {
  const remote = connectRemote(context);
  const { reason, to } = optionsOf(context, ReasonOptions);
  const body = {
    by: context.env["USER"] ?? "cli",
    ...(reason === undefined ? {} : { reason }),
    ...(to === undefined ? {} : { to }),
  };
  const result = await remote.api.request({ method: "POST", path, body, schema: z.unknown() });
  answer(context, remote, result, () => [asTyped(done, context.typed)]);
  return 0;
}

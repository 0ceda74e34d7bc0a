/** Rows that are kept out of data sets, and how they get in again. */
import { z } from "zod";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatCount, formatTime } from "../format.ts";
import { pathOfId } from "../find-id.ts";
import { answer, connectRemote, encode } from "../remote.ts";
import { renderTable } from "../table.ts";

const Quarantined = z.looseObject({
  id: z.string(),
  model: z.string(),
  tag: z.string(),
  values: z.array(z.string()),
  from: z.string(),
  to: z.string().nullable(),
  reason: z.string(),
  rows: z.int(),
  released: z.string().nullable(),
});
type Quarantined = z.output<typeof Quarantined>;

const Options = z.object({ model: z.string().optional() });

export async function list(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const { model } = optionsOf(context, Options);
  const query = model === undefined ? "" : `?model=${encode(model)}`;
  const { quarantine: rows } = await remote.api.request({
    path: `/api/v1/quarantine${query}`,
    schema: z.object({ quarantine: z.array(Quarantined) }),
  });
  const when = (text: string | null): string =>
    text === null ? "open" : formatTime(Date.parse(text));
  answer(context, remote, rows, () =>
    rows.length === 0
      ? ["No rows are quarantined"]
      : renderTable<Quarantined>(
          [
            { title: "quarantine", value: ({ id }) => id },
            { title: "model", value: (row) => row.model },
            { title: "from (UTC)", value: ({ from }) => when(from) },
            { title: "to (UTC)", value: ({ to }) => when(to) },
            {
              title: "state",
              value: ({ released }) => (released === null ? "kept out" : "released"),
            },
            {
              title: "rows",
              value: ({ rows: n }) => formatCount(n),
              align: "right",
            },
            {
              title: "which",
              value: ({ tag, values }) => (tag === "" ? "all" : `${tag}: ${values.join(", ")}`),
            },
            { title: "why", value: ({ reason }) => reason },
          ],
          rows,
          context,
        ),
  );
  return 0;
}

export async function release(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const { id, path } = await pathOfId(remote, "quarantine", context.args[0] ?? "");
  const result = await remote.api.request({
    ...{ method: "POST", path: `${path}/release`, body: {} },
    schema: z.unknown(),
  });
  answer(context, remote, result, () => [
    `Quarantine ${id}: released, its rows are in later data sets again`,
  ]);
  return 0;
}

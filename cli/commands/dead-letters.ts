/** Records that could not be taken: counts by reason, and the newest with their detail. */
import { z } from "zod";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatCount, formatTime } from "../format.ts";
import { answer, connectRemote, encode } from "../remote.ts";
import { renderTable } from "../table.ts";

const Options = z.object({ model: z.string().optional() });
const ByReason = z.looseObject({ model: z.string(), reason: z.string(), rows: z.number() });
const Letter = z.looseObject({
  model: z.string(),
  time: z.string(),
  record: z.string(),
  id: z.string(),
  reason: z.string(),
  detail: z.string(),
});
const Answer = z.object({ byReason: z.array(ByReason), letters: z.array(Letter) });
const LETTERS_SHOWN = 10;

export async function list(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const { model } = optionsOf(context, Options);
  const query = model === undefined ? "" : `?model=${encode(model)}`;
  const found = await remote.api.request({ path: `/api/v1/dead-letters${query}`, schema: Answer });
  answer(context, remote, found, () =>
    found.byReason.length === 0
      ? [
          `No dead letters${model === undefined ? "" : ` of "${model}"`}: every record could be taken`,
        ]
      : linesOf(found, context),
  );
  return 0;
}

function linesOf(found: z.output<typeof Answer>, context: CommandContext): string[] {
  return [
    ...renderTable<z.output<typeof ByReason>>(
      [
        { title: "model", value: (row) => (row.model === "" ? "(none)" : row.model) },
        { title: "records", value: ({ rows }) => formatCount(rows), align: "right" },
        { title: "reason", value: ({ reason }) => reason },
      ],
      found.byReason,
      context,
    ),
    "",
    ...renderTable<z.output<typeof Letter>>(
      [
        { title: "time (UTC)", value: ({ time }) => formatTime(Date.parse(time)) },
        { title: "record", value: ({ record }) => record },
        { title: "id", value: ({ id }) => id },
        { title: "reason", value: ({ reason }) => reason },
        { title: "detail", value: ({ detail }) => detail },
      ],
      found.letters.slice(0, LETTERS_SHOWN),
      context,
    ),
    "",
    "What each reason means: docs/capture.md. Correct the records at their source and send them again.",
  ];
}

/** Records that could not be taken: counts by reason. */
import { z } from "zod";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatCount } from "../format.ts";
import { listOf } from "../list-of.ts";
import { answer, connectRemote, encode } from "../remote.ts";
import { renderTable } from "../table.ts";

const Options = z.object({ model: z.string().optional() });
const Letters = z.looseObject({
  model: z.string(),
  reason: z.string(),
  rows: z.int().nullish(),
  n: z.int().nullish(),
  detail: z.string().nullish(),
});
type Letters = z.output<typeof Letters>;

export async function list(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const { model } = optionsOf(context, Options);
  const query = model === undefined ? "" : `?model=${encode(model)}`;
  const letters = await remote.api.request({
    path: `/api/v1/dead-letters${query}`,
    schema: listOf(Letters),
  });
  answer(context, remote, letters, () =>
    letters.length === 0
      ? ["No dead letters"]
      : renderTable<Letters>(
          [
            { title: "model", value: (row) => row.model },
            { title: "reason", value: ({ reason }) => reason },
            {
              title: "records",
              value: (row) => formatCount(row.rows ?? row.n ?? 1),
              align: "right",
            },
            { title: "for example", value: (row) => row.detail ?? "" },
          ],
          letters,
          context,
        ),
  );
  return 0;
}

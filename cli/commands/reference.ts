/** `driftmend reference set`: what windows of a model are compared with, named by a person. */
import { resolve } from "node:path";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatCount } from "../format.ts";
import { answer, connectRemote, encode } from "../remote.ts";
import { asTyped } from "../typed-command.ts";

const SetOptions = z.object({
  from: z.string().optional(),
  to: z.string().optional(),
  file: z.string().optional(),
});
const Taken = z.looseObject({ reference: z.string(), rows: z.number(), learnt: z.boolean() });

export async function set(context: CommandContext): Promise<number> {
  const { from, to, file } = optionsOf(context, SetOptions);
  const isSpan = from !== undefined && to !== undefined;
  if (isSpan === (file !== undefined)) {
    throw new DriftmendError("usage", {
      retry: "never",
      message: "Cannot set a reference as either --from and --to or --file must be given",
      next: '"driftmend reference set M --from 2026-10-05 --to 2026-10-19" takes two weeks of the traffic.',
    });
  }
  const remote = connectRemote(context);
  const name = context.args[0] ?? "";
  const body = isSpan ? { from: instant(from), to: instant(to) } : { file: resolve(file ?? "") };
  const taken = await remote.api.request({
    method: "POST",
    path: `/api/v1/models/${encode(name)}/references`,
    body,
    schema: Taken,
    timeoutMs: 600_000,
  });
  answer(context, remote, taken, () => [
    `Windows of "${name}" are compared with ${taken.reference} (${formatCount(taken.rows)} rows) from now on${taken.learnt ? "" : "; it was known already"}`,
    asTyped("  driftmend model diff " + name, context.typed),
  ]);
  return 0;
}

/** "2026-10-05" is its midnight UTC. */
function instant(text: string): string {
  const ms = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (Number.isFinite(ms)) return new Date(ms).toISOString();
  throw new DriftmendError("usage", {
    retry: "never",
    message: `Cannot read "${text}" as a time`,
    next: "Write a day (2026-10-05) or an RFC 3339 time (2026-10-05T06:00:00Z).",
  });
}

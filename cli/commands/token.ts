/** Named tokens: one for each person or program, so that one can be taken back without the others. */
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatInstant } from "../format.ts";
import { answer, connectRemote, encode } from "../remote.ts";
import { renderTable } from "../table.ts";

const CreateOptions = z.object({
  name: z.string(),
  read: z.boolean().optional(),
  act: z.boolean().optional(),
});
const Token = z.looseObject({
  name: z.string(),
  access: z.enum(["read", "act"]),
  created: z.string(),
  by: z.string(),
  revoked: z.string().nullable(),
});

export async function create(context: CommandContext): Promise<number> {
  const { name, read, act } = optionsOf(context, CreateOptions);
  if (read === act) {
    throw new DriftmendError("usage", {
      retry: "never",
      message: "Cannot make a token as either --read or --act must be given",
      next: "A token that acts may change documents, silence alerts and start runs; --read may look.",
    });
  }
  const remote = connectRemote(context);
  const made = await remote.api.request({
    method: "POST",
    path: "/api/v1/tokens",
    body: { name, access: act === true ? "act" : "read", by: context.env["USER"] ?? "cli" },
    schema: Token.extend({ token: z.string() }),
  });
  answer(context, remote, made, () => [made.token]);
  if (!remote.json) {
    context.note(
      `"${name}" may ${made.access}. The token is shown this once: only its hash is kept.`,
    );
  }
  return 0;
}

export async function list(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const schema = z.object({ tokens: z.array(Token) });
  const { tokens } = await remote.api.request({ path: "/api/v1/tokens", schema });
  answer(context, remote, tokens, () =>
    tokens.length === 0
      ? ["No named tokens: the two of ready.json are the only ones"]
      : renderTable(
          [
            { title: "name", value: ({ name }) => name },
            { title: "may", value: ({ access }) => access },
            { title: "made", value: ({ created }) => formatInstant(created) },
            { title: "by", value: ({ by }) => by },
            {
              title: "revoked",
              value: ({ revoked }) => (revoked === null ? "" : formatInstant(revoked)),
            },
          ],
          tokens,
          context,
        ),
  );
  return 0;
}

export async function revoke(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const name = context.args[0] ?? "";
  const path = `/api/v1/tokens/${encode(name)}`;
  const revoked = await remote.api.request({ method: "DELETE", path, schema: Token });
  answer(context, remote, revoked, () => [
    `"${name}" opens nothing any more; services know it within a second`,
  ]);
  return 0;
}

/** Named tokens of this system: made, listed and revoked by who may act. The gateway owns their file. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import {
  type NamedToken,
  type NamedTokens,
  TokenAccess,
  TokenName,
} from "../../runtime/named-tokens.ts";

const ACT = { config: { access: "act" } } as const;
export const TokenBody = z.strictObject({
  name: TokenName,
  access: TokenAccess,
  by: z.string().min(1).max(200).prefault("api"),
});
export const OfToken = z.object({ name: TokenName });

export function addTokenRoutes(app: FastifyInstance, tokens: NamedTokens): void {
  app.get("/api/v1/tokens", ACT, () => ({ tokens: tokens.list().map(view) }));
  app.post("/api/v1/tokens", ACT, async (request, reply) => {
    const { secret, token } = await tokens.create(TokenBody.parse(request.body));
    return reply.code(201).send({ ...view(token), token: secret });
  });
  app.delete("/api/v1/tokens/:name", ACT, (request) =>
    tokens.revoke(OfToken.parse(request.params).name).then(view),
  );
}

/** Without its digest. */
const view = ({ name, access, created, by, revoked }: NamedToken): object => ({
  ...{ name, access, created, by, revoked },
});

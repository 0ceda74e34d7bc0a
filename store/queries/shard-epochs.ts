/** Who owns a shard: the highest epoch, and of that the row that was written first. */
import { z } from "zod";
import { count } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

export const currentEpoch = defineQuery({
  name: "current epoch of a shard",
  params: z.object({ shard: z.int() }),
  row: z.object({ epoch: count }),
  sql: "SELECT max(epoch) AS epoch FROM shard_epochs WHERE shard = {shard:UInt16}",
});

/** Two rows of one epoch cannot be: they have one token, and the second is skipped. */
export const ownerOfEpoch = defineQuery({
  name: "owner of an epoch",
  params: z.object({ shard: z.int(), epoch: z.int() }),
  row: z.object({ owner: z.string() }),
  sql: "SELECT owner FROM shard_epochs WHERE shard = {shard:UInt16} AND epoch = {epoch:UInt64}",
});

/** Statements of a shard's owners that the engine is still running, whoever waits for them. */
export const runningStatements = defineQuery({
  name: "running statements of a shard",
  params: z.object({ marker: z.string() }),
  row: z.object({ n: count }),
  sql: "SELECT count() AS n FROM system.processes WHERE startsWith(Settings['log_comment'], {marker:String})",
});

/**
 * The fence of every statement that a shard's owner sends: refused with code 395 once another owner has
 * taken a higher epoch. It stands in the statement itself, so a process that slept through the loss of
 * its shard cannot write when it wakes.
 */
import { z } from "zod";

export const FENCE =
  "throwIf((SELECT max(epoch) FROM shard_epochs WHERE shard = {shard:UInt16}) != {epoch:UInt64}, 'the shard has another owner') = 0";

export const fenceParams = { shard: z.int(), epoch: z.int() };

/** What could not be stored, for people: lists, one letter, counts by reason. */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

const letterRow = z.object({
  letter: z.string(),
  time: timeMs,
  record: z.string(),
  model: z.string(),
  id: z.string(),
  reason: z.string(),
  detail: z.string(),
  sample: z.string(),
  rows: count,
});

/** Newest first; an empty model means all. */
export const listDeadLetters = defineQuery({
  name: "dead letters",
  params: z.object({ model: z.string(), before: z.int(), limit: z.int() }),
  row: letterRow,
  sql: `SELECT letter, time, record, model, id, reason, detail, sample, rows FROM dead_letters
WHERE time < {before:DateTime64(3, 'UTC')} AND ({model:String} = '' OR model = {model:String})
ORDER BY time DESC, letter LIMIT {limit:UInt32}`,
});

export const countDeadLettersByReason = defineQuery({
  name: "dead letters by reason",
  params: z.object({ model: z.string() }),
  row: z.object({ model: z.string(), reason: z.string(), rows: count, newest: timeMs }),
  sql: `SELECT model, reason, sum(rows) AS rows, max(time) AS newest FROM dead_letters
WHERE {model:String} = '' OR model = {model:String}
GROUP BY model, reason ORDER BY rows DESC LIMIT 1000`,
});

export const deadLetter = defineQuery({
  name: "dead letter",
  params: z.object({ letter: z.string() }),
  row: letterRow.extend({ payload_base64: z.string() }),
  sql: `SELECT letter, time, record, model, id, reason, detail, sample, rows, base64Encode(payload) AS payload_base64
FROM dead_letters WHERE letter = {letter:String} LIMIT 1`,
});

/** The collector's routes for who calls them: requests by the handlers' own schemas, answers as they come. */
import { z } from "zod";
import type { DescribedRoute } from "../runtime/described-route.ts";
import { ErasureBody } from "./erasures/request.ts";
import { asideBody, erasureAnswer, groupParams, letterParams, lettersQuery } from "./routes.ts";

const at = z.iso.datetime();
const text = z.string();
const entry = z.looseObject;
const Letter = entry({ letter: text, time: at, record: text, model: text, id: text, reason: text });
const Table = entry({ table: text, rows: z.int(), bytes: z.int(), parts: z.int() });
const Shard = entry({ shard: z.int(), state: text });

export const collectorRoutes: readonly DescribedRoute[] = [
  {
    ...{ method: "GET", path: "/api/v1/dead-letters", access: "read", tag: "storage" },
    summary: "Records that could not be taken: counts by reason, and the newest",
    query: lettersQuery,
    answers: {
      200: entry({
        byReason: z.array(entry({ model: text, reason: text, rows: z.int() })),
        letters: z.array(Letter),
      }),
    },
  },
  {
    ...{ method: "GET", path: "/api/v1/dead-letters/:letter", access: "read", tag: "storage" },
    summary: "One record that could not be taken, with its bytes",
    params: letterParams,
    answers: { 200: Letter },
  },
  {
    ...{ method: "GET", path: "/api/v1/storage", access: "read", tag: "storage" },
    summary: "What the tables hold, and how far each shard is",
    answers: { 200: entry({ tables: z.array(Table), shards: z.array(Shard) }) },
  },
  {
    ...{ method: "GET", path: "/api/v1/erasures", access: "read", tag: "storage" },
    summary: "What was erased: who asked, why, how many rows; never whose",
    answers: {
      200: entry({
        erasures: z.array(
          entry({ id: text, model: text, kind: text, state: text, by: text, asked: at }),
        ),
      }),
    },
  },
  {
    ...{ method: "POST", path: "/api/v1/erasures", access: "act", tag: "storage" },
    summary:
      "Erase one prediction, or all rows whose tag or feature has a value; dryRun counts them",
    body: ErasureBody,
    answers: { 200: erasureAnswer },
  },
  {
    ...{ method: "POST", path: "/api/v1/storage/groups/:shard/:n/set-aside", access: "act" },
    tag: "storage",
    summary: "Go on without the group that cannot be stored",
    params: groupParams,
    body: asideBody,
    bodyOptional: true,
    answers: { 202: entry({ shard: z.int(), n: z.int(), by: text }) },
  },
];

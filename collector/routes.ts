/** The collector's own routes: its state, what the tables hold, dead letters, and the way out of a stuck shard. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import type { Store } from "../store/client.ts";
import {
  countDeadLettersByReason,
  deadLetter,
  listDeadLetters,
} from "../store/queries/dead-letters.ts";
import { listErasures } from "../store/queries/erasures.ts";
import { newestGroups, setAsideGroups } from "../store/queries/ingest-groups.ts";
import { rawSpan, tableSizes } from "../store/queries/storage.ts";
import { LIMITS } from "../contract/limits.ts";
import { ErasureBody } from "./erasures/request.ts";
import type { Collector } from "./collector.ts";

const LETTERS_MAX = 1_000;
const GROUPS_SHOWN = 5;

export const lettersQuery = z.object({
  model: z.string().prefault(""),
  /** Milliseconds or RFC 3339: letters older than that. */
  before: z.union([z.coerce.number(), z.string().transform((text) => Date.parse(text))]).optional(),
  limit: z.coerce.number().int().min(1).max(LETTERS_MAX).prefault(100),
});
export const letterParams = z.object({ letter: z.string() });
export const groupParams = z.object({ shard: z.coerce.number().int(), n: z.coerce.number().int() });
export const asideBody = z.object({ by: z.string().min(1).prefault("operator") }).prefault({});

export const erasureAnswer = z.looseObject({
  id: z.string().nullable(),
  state: z.enum(["planned", "done"]),
  counts: z.record(z.string(), z.int()),
});

export function addRoutes(
  app: FastifyInstance,
  { collector, store }: { collector: Collector; store: Store },
): void {
  app.get("/api/v1/self", () => ({
    service: "collector",
    ready: (collector.readiness() ?? collector.budget.reason) === null,
    reason: collector.readiness() ?? collector.budget.reason,
    tables: { bytes: collector.budget.bytes, bytesMax: collector.budget.bytesMax },
    shards: collector.runners.map(({ shard, state, stuck }) => ({
      shard,
      state: stuck.current === null ? state : { kind: "stuck", ...stuck.current },
      failing: stuck.failing,
    })),
  }));

  app.get("/api/v1/dead-letters", (request) =>
    letterList(store, lettersQuery.parse(request.query)),
  );

  app.get("/api/v1/dead-letters/:letter", (request) =>
    oneLetter(store, letterParams.parse(request.params).letter),
  );

  app.get("/api/v1/storage", () => storageReport(collector, store));

  app.get("/api/v1/erasures", () => erasureList(store));

  app.post("/api/v1/erasures", { config: { access: "act" } }, (request) =>
    collector.erasures.erase(ErasureBody.parse(request.body)),
  );

  app.post(
    "/api/v1/storage/groups/:shard/:n/set-aside",
    { config: { access: "act" } },
    (request, reply) => {
      const { shard, n } = groupParams.parse(request.params);
      const { by } = asideBody.parse(request.body ?? {});
      const runner = collector.runners.find((candidate) => candidate.shard === shard);
      if (runner === undefined) {
        throw new DriftmendError("not_found", {
          retry: "never",
          message: `Cannot set a group of shard ${shard} aside as the shard must exist: there are ${collector.runners.length}`,
        });
      }
      runner.stuck.setAside(n, by);
      return reply.code(202).send({ shard, n, by });
    },
  );
}

async function letterList(
  store: Store,
  { model, before, limit }: z.output<typeof lettersQuery>,
): Promise<object> {
  const [byReason, letters] = await Promise.all([
    store.query(countDeadLettersByReason, { model }),
    store.query(listDeadLetters, { model, before: before ?? Date.UTC(2299, 0), limit }),
  ]);
  return { byReason, letters: letters.map((letter) => ({ ...letter, time: iso(letter.time) })) };
}

async function oneLetter(store: Store, id: string): Promise<object> {
  const [letter] = await store.query(deadLetter, { letter: id });
  if (letter !== undefined) return { ...letter, time: iso(letter.time) };
  throw new DriftmendError("not_found", {
    retry: "never",
    message: `Cannot show dead letter "${id}" as it must be stored: there is none`,
    next: "GET /api/v1/dead-letters lists them.",
  });
}

/** Without the hashes: whose they are is nobody's to look up. */
async function erasureList(store: Store): Promise<object> {
  const rows = await store.query(listErasures, { limit: LIMITS.erasuresShownMax });
  return {
    erasures: rows.map(({ id, model, kind, name, state, by, reason, counts, asked, finished }) => ({
      ...{ id, model, kind, name, state, by, reason, counts, asked: iso(asked) },
      finished: finished === null ? null : iso(finished),
    })),
  };
}

async function storageReport(collector: Collector, store: Store) {
  const [tables, spans] = await Promise.all([
    store.query(tableSizes, {}),
    store.query(rawSpan, {}),
  ]);
  const shards = collector.runners.map(async ({ shard, state, stuck }) => ({
    shard,
    state: state.kind,
    stuck: stuck.current,
    failing: stuck.failing,
    streamPending: state.kind === "running" ? state.progress.streamPending : null,
    lastStored:
      state.kind === "running" && state.progress.lastStoredMs !== null
        ? iso(state.progress.lastStoredMs)
        : null,
    groups: await store.query(newestGroups, { shard, limit: GROUPS_SHOWN }),
    setAside: await store.query(setAsideGroups, { shard }),
  }));
  const span = spans[0];
  return {
    tables,
    predictions: span === undefined ? null : { oldest: iso(span.oldest), newest: iso(span.newest) },
    shards: await Promise.all(shards),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

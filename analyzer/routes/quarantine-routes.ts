/** Rows that are kept out of data sets because their inputs were broken, and their release by hand. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { quarantineEntries } from "../../store/queries/analyzer-state.ts";
import { END_MS } from "../memory.ts";
import { ACT, type RouteDeps, rfc3339 } from "./route-deps.ts";

export const QuarantineQuery = z.object({ model: z.string().prefault("") });
export const OfEntry = z.object({ id: z.string().min(1) });

export function addQuarantineRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.get("/api/v1/quarantine", (request) =>
    list(QuarantineQuery.parse(request.query).model, deps),
  );
  app.post("/api/v1/quarantine/:id/release", ACT, (request) =>
    release(OfEntry.parse(request.params).id, deps),
  );
}

async function list(model: string, { store }: RouteDeps): Promise<object> {
  const rows = await store.query(quarantineEntries, { model, id: "" });
  return { quarantine: rows.map(entryView) };
}

type Entry = z.output<typeof quarantineEntries.row>;

async function release(id: string, deps: RouteDeps): Promise<object> {
  const [row] = await deps.store.query(quarantineEntries, { model: "", id });
  if (row === undefined) {
    throw new DriftmendError("not_found", {
      retry: "never",
      message: `Cannot release the quarantine "${id}": there is none of that id`,
      next: '"driftmend quarantine list" (GET /api/v1/quarantine) lists them.',
    });
  }
  if (row.released !== null) return entryView(row);
  // First the verdicts to come, then the row: a crash in between is repaired by asking again.
  await deps.analyzer.loopOf(row.model).release(id);
  const released = deps.clock.nowMs();
  await deps.store.insert("quarantine", [
    {
      ...row,
      finding: JSON.stringify(row.finding),
      released,
      revision: row.revision + RELEASE_REVISION,
      detail: "",
    },
  ]);
  return entryView({ ...row, released });
}

/** Above every revision that days still to be evaluated could write. */
const RELEASE_REVISION = 1_000_000;

function entryView(row: Entry): object {
  return {
    id: row.id,
    model: row.model,
    tag: row.tag,
    values: row.values,
    from: rfc3339(row.from),
    to: row.to >= END_MS ? null : rfc3339(row.to),
    columns: row.columns,
    reason: row.reason,
    rows: row.rows,
    created: rfc3339(row.created),
    released: row.released === null ? null : rfc3339(row.released),
    finding: row.finding,
  };
}

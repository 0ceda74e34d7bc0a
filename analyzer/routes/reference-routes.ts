/** What windows are compared with: shown, and set by hand from a span of the traffic or from a file. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { DAY_MS } from "../../contract/window.ts";
import { modelReferences } from "../../store/queries/references.ts";
import { ACT, OfModel, type RouteDeps, rfc3339, time } from "./route-deps.ts";

const SPAN_DAYS_MAX = 400;

export const ReferenceBody = z
  .strictObject({
    from: time.optional(),
    to: time.optional(),
    /** A Parquet file that the analyzer can read. */
    file: z.string().min(1).optional(),
  })
  .refine(
    ({ from, to, file }) => (from !== undefined && to !== undefined) !== (file !== undefined),
    {
      message: 'expected either "from" and "to" or "file"',
    },
  );

export function addReferenceRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const { analyzer } = deps;
  app.get("/api/v1/models/:model/references", (request) =>
    listReferences(OfModel.parse(request.params).model, deps),
  );
  app.post("/api/v1/models/:model/references", ACT, async (request, reply) => {
    const { model } = OfModel.parse(request.params);
    const { from, to, file } = ReferenceBody.parse(request.body);
    await analyzer.requireModel(model);
    const learnt =
      file === undefined
        ? await analyzer.takeReferenceSpan(model, wholeDays(from ?? 0, to ?? 0))
        : await analyzer.takeReferenceFile(model, file);
    return reply.code(201).send({ model, ...learnt });
  });
}

async function listReferences(model: string, { analyzer, store }: RouteDeps): Promise<object> {
  await analyzer.requireModel(model);
  const all = await store.query(modelReferences, { model });
  return {
    references: all.map(({ reference, source, rows, created }, i) => ({
      ...{ reference, source, rows },
      created: rfc3339(created),
      inForce: i === 0,
    })),
  };
}

/** Days are what a reference is made of. */
function wholeDays(from: number, to: number): { readonly fromMs: number; readonly toMs: number } {
  const fromMs = Math.floor(from / DAY_MS) * DAY_MS;
  const toMs = Math.ceil(to / DAY_MS) * DAY_MS;
  if (toMs > fromMs && toMs - fromMs <= SPAN_DAYS_MAX * DAY_MS) return { fromMs, toMs };
  throw new DriftmendError("request_invalid", {
    retry: "never",
    message: `Cannot take a reference from ${rfc3339(from)} to ${rfc3339(to)} as it must span 1 to ${SPAN_DAYS_MAX} days`,
    next: "Name the first day and the day after the last.",
  });
}

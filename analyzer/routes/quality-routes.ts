/** Quality of the inputs over a span, computed now. */
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import type { QualityView } from "../../contract/views.ts";
import { DAY_MS } from "../../contract/window.ts";
import { ALL_ROWS } from "../features/feature-window.ts";
import { readSpan } from "../features/read-span.ts";
import { readGrids } from "../reference/store-grids.ts";
import { judgeQuality } from "../rules/quality.ts";
import { OfModel, type RouteDeps, SpanQuery, daySpanOf, rfc3339 } from "./route-deps.ts";

export function addQualityRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.get("/api/v1/models/:model/quality", (request) =>
    qualityOf(OfModel.parse(request.params).model, SpanQuery.parse(request.query), deps),
  );
}

async function qualityOf(
  model: string,
  query: z.output<typeof SpanQuery>,
  deps: RouteDeps,
): Promise<QualityView> {
  const document = await deps.analyzer.requireModel(model);
  const asked = daySpanOf(model, query, deps);
  const fromMs = Math.floor(asked.fromMs / DAY_MS) * DAY_MS;
  const toMs = Math.ceil(asked.toMs / DAY_MS) * DAY_MS;
  const grids = await readGrids(model, deps.store);
  const reference = await deps.analyzer.references.load(model, grids, deps.store);
  const span = { model, fromMs, toMs, tags: [""], version: "" };
  const windows = await readSpan(span, grids, deps.store);
  const features = [...windows].flatMap(([feature, segments]) => {
    const today = segments.get(ALL_ROWS);
    if (today === undefined) return [];
    const usual = reference?.features.get(feature)?.segments.get(ALL_ROWS);
    const checks =
      usual === undefined || usual.kind !== today.kind
        ? []
        : judgeQuality(today, usual, document.features[feature]?.range);
    const { kind, rows } = today;
    return [{ feature, kind, rows, missing: today.counts.missing, checks: [...checks] }];
  });
  return { model, from: rfc3339(fromMs), to: rfc3339(toMs), features };
}

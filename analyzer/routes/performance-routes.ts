/** Performance by window as it is stored: realised with interval and label coverage, estimated with band. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { PerformanceView, PerformanceWindow } from "../../contract/views.ts";
import { DAY_MS, WEEK_MS, windowName, type WindowGrain } from "../../contract/window.ts";
import {
  FigureScope,
  type PerformanceResult,
  performanceFigures,
} from "../../store/queries/analysis-results.ts";
import { OfModel, type RouteDeps, finite, rfc3339, segment, time } from "./route-deps.ts";

const WEEKS_SHOWN = 13;
const WEEKS_MAX = 520;

export const PerformanceQuery = z.object({
  from: time.optional(),
  to: time.optional(),
  /** Where there is no `from`: so many weeks up to `to`, which is how far the model is analysed. */
  weeks: z.coerce.number().int().min(1).max(WEEKS_MAX).prefault(WEEKS_SHOWN),
  version: z.string().optional(),
  segment: segment.optional(),
  grain: z.enum(["day", "week", "fortnight"]).optional(),
  scope: FigureScope.prefault("everything"),
});

const SECONDS = { day: DAY_MS / 1000, week: WEEK_MS / 1000, fortnight: (2 * WEEK_MS) / 1000 };

export function addPerformanceRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.get("/api/v1/models/:model/performance", (request) =>
    performanceOf(OfModel.parse(request.params).model, PerformanceQuery.parse(request.query), deps),
  );
}

async function performanceOf(
  model: string,
  query: z.output<typeof PerformanceQuery>,
  deps: RouteDeps,
): Promise<PerformanceView> {
  await deps.analyzer.requireModel(model);
  const toMs = query.to ?? deps.analyzer.analyzedMs(model) ?? deps.clock.nowMs();
  const fromMs = query.from ?? toMs - query.weeks * WEEK_MS;
  const seconds = query.grain === undefined ? 0 : SECONDS[query.grain];
  const rows = await deps.store.query(performanceFigures, {
    ...{ model, fromMs, toMs, seconds, scope: query.scope },
  });
  const wanted = rows.filter(
    (row) =>
      (query.version === undefined || row.version === query.version) &&
      (query.segment === undefined ||
        (row.segment_tag === query.segment.tag && row.segment_value === query.segment.value)),
  );
  return {
    model,
    from: rfc3339(fromMs),
    to: rfc3339(toMs),
    realised: byWindow(wanted.filter(({ kind }) => kind === "realised")),
    estimated: byWindow(wanted.filter(({ kind }) => kind === "estimated")),
  };
}

type PerformanceFigure = Omit<PerformanceResult, "detail">;

/** One entry per window, version and segment with its metrics by name. */
export function byWindow(rows: readonly PerformanceFigure[]): PerformanceWindow[] {
  const groups = new Map<string, PerformanceFigure[]>();
  for (const row of rows) {
    const { from, to, version, segment_tag: tag, segment_value: value } = row;
    const key = [from, to, version, tag, value].join("\u0000");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const coverage = group.find(({ metric }) => metric === "coverage")?.value ?? Number.NaN;
    const view: PerformanceWindow = {
      window: windowName({ grain: grainOf(first), fromMs: first.from, toMs: first.to }),
      grain: grainOf(first),
      from: rfc3339(first.from),
      to: rfc3339(first.to),
      version: first.version === "" ? null : first.version,
      segment:
        first.segment_tag === "" ? null : { tag: first.segment_tag, value: first.segment_value },
      predictions: first.n,
      labelled: first.labelled,
      censored: first.censored,
      labelCoverage: finite(coverage),
      blocks: first.blocks,
      evaluated: rfc3339(first.evaluated),
      revision: first.revision,
      replaces: first.replaces === 0 ? null : first.replaces,
      metrics: Object.fromEntries(
        group
          .filter(({ metric }) => metric !== "coverage")
          .map(({ metric, value, lower, upper }) => [
            metric,
            { value: finite(value), lower: finite(lower), upper: finite(upper) },
          ]),
      ),
    };
    return [view];
  });
}

export function grainOf({ from, to }: { readonly from: number; readonly to: number }): WindowGrain {
  const span = to - from;
  if (span > WEEK_MS) return "fortnight";
  return span === WEEK_MS ? "week" : "day";
}

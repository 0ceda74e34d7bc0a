/** What documents say of labels, and how far each was carried out: pulls, absence, outcomes that are never seen. */
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { durationText } from "../../contract/duration.ts";
import { negativeLabelOf } from "../../contract/negative-label.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { LabelsOfModel, LabelsView } from "../../contract/label-views.ts";
import { labelPulls } from "../../store/queries/label-pull.ts";
import { labelRuleProgress } from "../../store/queries/label-rules.ts";
import { type RouteDeps, rfc3339 } from "./route-deps.ts";

export function addLabelRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.get("/api/v1/labels", () => list(deps));
}

type PullRow = z.output<typeof labelPulls.row>;

async function list({ store, analyzer }: RouteDeps): Promise<LabelsView> {
  const [pulls, progress] = await Promise.all([
    store.query(labelPulls, {}),
    store.query(labelRuleProgress, {}),
  ]);
  const models = analyzer.documents.list().flatMap(({ model, document, status }) => {
    if (status !== "active") return [];
    const { pull, negative_after: after, censored } = document.labels;
    if (pull === undefined && after === undefined && censored === undefined) return [];
    const absence = progress.find((row) => row.model === model && row.rule === "absence");
    const pulled = pulls.find((row) => row.model === model);
    return [viewOf(model, document, pulled, absence?.through ?? null)];
  });
  return { models };
}

function viewOf(
  model: string,
  { labels, task }: OnboardingDocument,
  pulled: PullRow | undefined,
  absentThroughMs: number | null,
): LabelsOfModel {
  const { pull, negative_after: after, censored } = labels;
  return {
    model,
    pull: pull === undefined ? null : pullView(pull.every, pulled),
    absence:
      after === undefined
        ? null
        : {
            after: durationText(after),
            becomes: negativeLabelOf(task),
            through: absentThroughMs === null ? null : rfc3339(absentThroughMs),
          },
    censored: censored ?? null,
  };
}

function pullView(everyMs: number, row: PullRow | undefined): LabelsOfModel["pull"] {
  return {
    every: durationText(everyMs),
    pulled: row === undefined || row.pulled === 0 ? null : rfc3339(row.pulled),
    watermark: row === undefined ? null : rfc3339(row.watermark),
    rows: row?.rows ?? 0,
    rowsTotal: row?.rows_total ?? 0,
    refused: row?.refused ?? 0,
    failures: row?.failures ?? 0,
    error: row === undefined || row.error === "" ? null : row.error,
  };
}

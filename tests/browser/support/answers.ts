/** Which schema an answer of the API must have, by its path: every answer that the page gets is held to it. */
import { z } from "zod";
import { AlertDetail, AlertView } from "../../../contract/alert.ts";
import {
  AccessView,
  AlertRowsView,
  CanaryView,
  ChangesView,
  ChecksView,
  DriftView,
  LoopView,
  ModelsView,
  PerformanceView,
  QualityView,
  RunDetailView,
  RunsView,
  VersionsView,
} from "../../../contract/views.ts";
import { OperationsView } from "../../../contract/operations-view.ts";

const ANSWERS: readonly (readonly [RegExp, z.ZodType])[] = [
  [/^\/api\/v1\/access$/, AccessView],
  [/^\/api\/v1\/models$/, ModelsView],
  [/^\/api\/v1\/models\/[^/]+\/performance$/, PerformanceView],
  [/^\/api\/v1\/models\/[^/]+\/drift$/, DriftView],
  [/^\/api\/v1\/models\/[^/]+\/operations$/, OperationsView],
  [/^\/api\/v1\/models\/[^/]+\/quality$/, QualityView],
  [/^\/api\/v1\/models\/[^/]+\/versions$/, VersionsView],
  [/^\/api\/v1\/models\/[^/]+\/loop$/, LoopView],
  [/^\/api\/v1\/models\/[^/]+\/checks$/, ChecksView],
  [/^\/api\/v1(?:\/models\/[^/]+)?\/runs$/, RunsView],
  [/^\/api\/v1\/runs\/[^/]+$/, RunDetailView],
  [/^\/api\/v1\/runs\/[^/]+\/canary$/, CanaryView],
  [/^\/api\/v1\/alerts$/, z.object({ alerts: z.array(AlertView) })],
  [/^\/api\/v1\/alerts\/[^/]+$/, AlertDetail],
  [/^\/api\/v1\/alerts\/[^/]+\/rows$/, AlertRowsView],
  [/^\/api\/v1\/changes$/, ChangesView],
];

/** @throws {Error} where the page asks for something that no schema is known of */
export function schemaOf(path: string): z.ZodType {
  const found = ANSWERS.find(([pattern]) => pattern.test(path));
  if (found === undefined) throw new Error(`The page asks for ${path}: add its schema here`);
  return found[1];
}

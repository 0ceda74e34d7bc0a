/** All routes of the analyzer (INTERFACES §3). */
import type { FastifyInstance } from "fastify";
import { addAlertRoutes } from "./alert-routes.ts";
import { addChangeRoutes } from "./change-routes.ts";
import { addDriftRoutes } from "./drift-routes.ts";
import { addLabelRoutes } from "./label-routes.ts";
import { addModelRoutes } from "./model-routes.ts";
import { addOnboardingRoutes } from "./onboarding-routes.ts";
import { addOperationsRoutes } from "./operations-routes.ts";
import { addPerformanceRoutes } from "./performance-routes.ts";
import { addQualityRoutes } from "./quality-routes.ts";
import { addQuarantineRoutes } from "./quarantine-routes.ts";
import type { RouteDeps } from "./route-deps.ts";
import { addReferenceRoutes } from "./reference-routes.ts";
import { addWindowRoutes } from "./window-routes.ts";

export function addRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const { analyzer } = deps;
  app.get("/api/v1/self", () => ({
    service: "analyzer",
    models: analyzer.states(),
    notifications: analyzer.notifications.state(),
    documentFolder: analyzer.folderState(),
  }));
  addModelRoutes(app, deps);
  addOnboardingRoutes(app, deps);
  addDriftRoutes(app, deps);
  addPerformanceRoutes(app, deps);
  addQualityRoutes(app, deps);
  addOperationsRoutes(app, deps);
  addLabelRoutes(app, deps);
  addWindowRoutes(app, deps);
  addReferenceRoutes(app, deps);
  addAlertRoutes(app, deps);
  addChangeRoutes(app, deps);
  addQuarantineRoutes(app, deps);
}

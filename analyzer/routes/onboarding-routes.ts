/** What helps to write a document: a proposal from the traffic, and what one would do before it is stored. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { parseDocument } from "../../contract/document-problems.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import { Duration } from "../../contract/duration.ts";
import { type Preview, previewDocument } from "../onboarding/preview.ts";
import { proposeDocument } from "../onboarding/propose-document.ts";
import { profileTraffic } from "../onboarding/traffic-profile.ts";
import { OfModel, type RouteDeps, finite, rfc3339 } from "./route-deps.ts";

export const PreviewQuery = z.object({ past: Duration.prefault("14d") });

export function addOnboardingRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.get("/api/v1/models/:model/proposal", (request) =>
    propose(OfModel.parse(request.params).model, deps),
  );
  let busy = false;
  app.post("/api/v1/models/:model/preview", (request) => {
    const { model } = OfModel.parse(request.params);
    const { past } = PreviewQuery.parse(request.query);
    const document = parseDocument(request.body, `the document of "${model}"`);
    if (document.metadata.name !== model) throw namesAnother(model, document.metadata.name);
    // It reads weeks of windows: one at a time is what a machine carries beside its work.
    if (busy) throw previewBusy();
    busy = true;
    const pastMs = Math.min(past, LIMITS.analyzedPastMsMax);
    return previewDocument(document, pastMs, deps)
      .then(previewView)
      .finally(() => {
        busy = false;
      });
  });
}

async function propose(model: string, { store }: RouteDeps): Promise<object> {
  const profile = await profileTraffic(model, store);
  if (profile === null) throw noTraffic(model);
  const { document, notes } = proposeDocument(model, profile);
  const { rows, fromMs, toMs, rowsPerDay } = profile;
  const seen = { rows, from: rfc3339(fromMs), to: rfc3339(toMs), rowsPerDay };
  return { model, seen, document, notes };
}

export function namesAnother(model: string, named: string): DriftmendError {
  return new DriftmendError("request_invalid", {
    retry: "never",
    message: `Cannot take the document as that of "${model}": it names "${named}"`,
    next: "Send it under the name in metadata.name.",
  });
}

const noTraffic = (model: string): DriftmendError =>
  new DriftmendError("not_found", {
    retry: "later",
    message: `Cannot propose a document for "${model}" as its traffic must be known: no prediction of it has come`,
    next: '"driftmend model list" shows the models that were seen; docs/attaching.md says how to send predictions.',
  });

const previewBusy = (): DriftmendError =>
  new DriftmendError("unavailable", {
    retry: "later",
    message: "Cannot look at the past for a document as one look at a time is made: another runs",
    next: "Ask again in a minute, or with ?past=0 for what needs no past.",
  });

function previewView(preview: Preview): object {
  const { refusal, profile, shifts, past, ...rest } = preview;
  return {
    ...rest,
    refusal:
      refusal === null
        ? null
        : { code: refusal.code, message: refusal.message, next: refusal.next ?? null },
    traffic:
      profile === null
        ? null
        : {
            rows: profile.rows,
            from: rfc3339(profile.fromMs),
            to: rfc3339(profile.toMs),
            rowsPerDay: profile.rowsPerDay,
          },
    shifts: shifts.map((shift) => ({
      ...shift,
      rowsEffective: finite(shift.rowsEffective),
    })),
    past:
      past === null
        ? null
        : {
            from: rfc3339(past.fromMs),
            to: rfc3339(past.toMs),
            alerts: past.alerts.map(({ firedMs, ...alert }) => ({
              ...alert,
              fired: rfc3339(firedMs),
            })),
          },
  };
}

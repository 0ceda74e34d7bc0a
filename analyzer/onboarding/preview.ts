/**
 * What putting a document in force would mean, before anything is stored: whether it would be refused, what
 * it changes, how it fits the traffic, what would be watched, the smallest shift that could be seen, and the
 * alerts that the past would have given.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { Analyzer } from "../analyzer.ts";
import type { ModelContext, StageDeps } from "../evaluation.ts";
import { silentLogger } from "../../runtime/logger.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Store } from "../../store/client.ts";
import { loadReference } from "../reference/load-reference.ts";
import { readGrids } from "../reference/store-grids.ts";
import { modelsSeen } from "../../store/queries/model-traffic.ts";
import { DAY_MS } from "../../contract/window.ts";
import { type DocumentChange, compareDocuments } from "./compare-documents.ts";
import { type TrafficFinding, compareTraffic } from "./compare-traffic.ts";
import { type Past, replayPast } from "./replay-past.ts";
import { type TrafficProfile, profileTraffic } from "./traffic-profile.ts";
import { type VisibleShift, visibleShifts } from "./visible-shifts.ts";
import { type WatchedRule, watchPlan } from "./watch-plan.ts";

export interface Preview {
  readonly model: string;
  /** Why it would be refused; null: it would be stored. */
  readonly refusal: DriftmendError | null;
  /** Null: no document holds now, and the built-in one is compared with. */
  readonly revision: number | null;
  readonly changes: readonly DocumentChange[];
  readonly profile: TrafficProfile | null;
  readonly findings: readonly TrafficFinding[];
  readonly watched: readonly WatchedRule[];
  readonly shifts: readonly VisibleShift[];
  /** Null: it was not asked for, or there is no past. */
  readonly past: Past | null;
  /** What the figures above could not take into account. */
  readonly notes: readonly string[];
}

export interface PreviewDeps {
  readonly analyzer: Analyzer;
  readonly store: Store;
  readonly clock: Clock;
}

/** @param pastMs how much of the past is evaluated under the document; 0: none */
export async function previewDocument(
  document: OnboardingDocument,
  pastMs: number,
  deps: PreviewDeps,
): Promise<Preview> {
  const { analyzer, store, clock } = deps;
  // What a dry run finds is told in its answer, not in the log.
  const stages = { store, clock, logger: silentLogger };
  const model = document.metadata.name;
  const holds = analyzer.documents.get(model);
  const grids = await readGrids(model, store);
  const reference = await loadReference(model, grids, store);
  const profile = await profileTraffic(model, store);
  const throughMs = analyzer.analyzedMs(model) ?? profile?.toMs ?? null;
  const context = { model, document, isDescribed: true, grids, reference };
  const shifts = throughMs === null ? [] : await visibleShifts(context, throughMs, stages);
  const past =
    pastMs === 0 || throughMs === null
      ? null
      : await pastUnder(context, { pastMs, toMs: throughMs }, stages);
  return {
    model,
    refusal: refusalOf(() => analyzer.documents.checkPut(document, "api")),
    revision: holds?.revision ?? null,
    changes: compareDocuments(analyzer.documents.inForce(model) ?? document, document),
    profile,
    findings: profile === null ? [] : compareTraffic(document, profile),
    watched: watchPlan(document, { reference, profile }),
    shifts,
    past,
    notes: notesOn(document, { holds: holds?.document ?? null, reference: reference?.source }),
  };
}

async function pastUnder(
  context: ModelContext,
  { pastMs, toMs }: { readonly pastMs: number; readonly toMs: number },
  deps: StageDeps,
): Promise<Past | null> {
  const seen = (await deps.store.query(modelsSeen, {})).find(
    ({ model }) => model === context.model,
  );
  if (seen === undefined) return null;
  const span = Math.min(pastMs, LIMITS.analyzedPastMsMax);
  const fromMs = Math.max(Math.floor(seen.first / DAY_MS) * DAY_MS, toMs - span);
  return fromMs >= toMs ? null : replayPast(context, { fromMs, toMs }, deps);
}

function notesOn(
  document: OnboardingDocument,
  known: { readonly holds: OnboardingDocument | null; readonly reference: string | undefined },
): readonly string[] {
  const before = known.holds?.segments ?? [];
  const added = document.segments.filter((tag) => !before.includes(tag));
  const path = document.reference.training_set;
  return [
    ...(added.length === 0
      ? []
      : [`segments are counted from now on: the past was judged without ${added.join(" and ")}`]),
    ...(path === undefined || path === known.reference
      ? []
      : [
          `"${path}" is read when the document is applied: the past was judged ${known.reference === undefined ? "without a reference" : `against "${known.reference}"`}`,
        ]),
  ];
}

function refusalOf(check: () => void): DriftmendError | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof DriftmendError) return error;
    throw error;
  }
}

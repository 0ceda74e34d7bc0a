/**
 * The work on one model while windows are evaluated: its context, what it remembers, and the revisions of
 * alerts that came out so far. Stages read and advance it in window order.
 */
import type { OnboardingDocument } from "../contract/onboarding-document.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Store } from "../store/client.ts";
import { type AlertDraft, type AlertRevision, observe } from "./alerts/alert-book.ts";
import type { Hysteresis, Observation } from "./alerts/episode.ts";
import type { FeatureGrid, WindowSet } from "./features/feature-window.ts";
import type { Memory } from "./memory.ts";
import type { ModelReference } from "./reference/load-reference.ts";
import type { TrafficProfile } from "./rules/no-traffic.ts";
import type { ErrorPromise } from "./rules/usual-errors.ts";
import type { PastHours } from "./rules/volume.ts";

export interface StageDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ModelContext {
  readonly model: string;
  readonly document: OnboardingDocument;
  /** False: nobody described the model, and its document is the built-in one. */
  readonly isDescribed: boolean;
  readonly grids: ReadonlyMap<string, FeatureGrid>;
  /** Null before there is one. */
  readonly reference: ModelReference | null;
}

/** What was read once and is needed again; nothing that could not be read again. */
export interface ReadAhead {
  /** What the same hours of past weeks carried, of one day. */
  profile: { readonly dayMs: number; readonly traffic: TrafficProfile } | null;
  /** Requests by hour of the past weeks, as they were at the begin of a day. */
  hours: { readonly dayMs: number; readonly past: PastHours } | null;
  /** What a model's servers used, by measure and hour, of the weeks before a day. */
  resources: {
    readonly dayMs: number;
    readonly hours: ReadonlyMap<string, ReadonlyMap<number, number>>;
  } | null;
  /** What an hour of an undescribed model usually fails. */
  errors: { readonly hourMs: number; readonly promise: ErrorPromise } | null;
  /** All rows of past days, by start of day. */
  readonly days: Map<number, WindowSet>;
}

export const emptyReadAhead = (): ReadAhead => ({
  profile: null,
  hours: null,
  resources: null,
  errors: null,
  days: new Map(),
});

export class Evaluation {
  readonly context: ModelContext;
  memory: Memory;
  readonly readAhead: ReadAhead;
  /** Model time since when requests would have been heard of; null while they would not. */
  readonly listeningSinceMs: number | null;
  readonly revisions: AlertRevision[] = [];

  constructor(
    context: ModelContext,
    memory: Memory,
    readAhead: ReadAhead = emptyReadAhead(),
    listeningSinceMs: number | null = Number.NEGATIVE_INFINITY,
  ) {
    this.context = context;
    this.memory = memory;
    this.readAhead = readAhead;
    this.listeningSinceMs = listeningSinceMs;
  }

  /** Tells an alert's state machine what a rule saw. */
  observe(draft: AlertDraft, seen: Observation, atMs: number, hysteresis?: Hysteresis): void {
    const { model } = this.context;
    const step = observe(this.memory.alerts, model, draft, seen, atMs, hysteresis);
    this.memory = { ...this.memory, alerts: step.book };
    if (step.revision !== null) this.revisions.push(step.revision);
  }

  /** Whether the alert of this key, `kind/subject`, waits to be confirmed. */
  isPending(key: string): boolean {
    return this.memory.alerts[key]?.episode.status === "pending";
  }
}

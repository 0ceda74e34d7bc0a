/**
 * The minute rules: every closed 5-minute step in order: error share, latency, silence, and each hour volume.
 * One query for the steps of a tick and one per day for what the same hours of past weeks carried.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, startOfDay } from "../../contract/window.ts";
import type { Store } from "../../store/client.ts";
import { trafficProfileHours, trafficProfileMinutes } from "../../store/queries/model-traffic.ts";
import { minutesWaitMs } from "../next-step.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import type { StepCounts } from "../rules/error-share.ts";
import {
  type SilenceVerdict,
  SLOT_MS,
  type TrafficProfile,
  judgeSilence,
} from "../rules/no-traffic.ts";
import { STEP_MS } from "../rules/steps.ts";
import { VOLUME_SPAN_MS } from "../rules/volume.ts";
import { evaluateErrors } from "./errors.ts";
import { evaluateLatency, readLatency } from "./latency.ts";
import { evaluateResources } from "./resources.ts";
import { type MinuteCounts, readMinutes } from "./server-traffic.ts";
import { serviceDraft } from "./service-draft.ts";
import { evaluateVolume } from "./volume.ts";
import { chanceText } from "../alerts/p-value-text.ts";

const WEEKS_LOOKED_BACK = 8;
const PROFILE_MARGIN_MS = 2 * HOUR_MS;
const SLOTS_PER_HOUR = HOUR_MS / SLOT_MS;
const SILENCE = { breachesToFire: 2, cleanToResolve: 1 };

/** Evaluates the steps that closed in (fromMs, toMs]; both within one UTC day. */
export async function evaluateMinutes(
  evaluation: Evaluation,
  fromMs: number,
  toMs: number,
  deps: StageDeps,
): Promise<void> {
  const firstEnd = (Math.floor(fromMs / STEP_MS) + 1) * STEP_MS;
  const lastEnd = Math.floor(toMs / STEP_MS) * STEP_MS;
  if (lastEnd < firstEnd) return;
  const { document } = evaluation.context;
  const behindMs = lateMs(document.labels.lateness);
  const span = { fromMs: firstEnd - STEP_MS - VOLUME_SPAN_MS - behindMs, toMs: lastEnd };
  const minutes = await readMinutes(evaluation, span, deps.store);
  const latency = await readLatency(evaluation, firstEnd, lastEnd, deps.store);
  rememberShare(evaluation, minutes);
  const steps = stepsOf(minutes);
  const { no_traffic: noTraffic } = document.service;
  let oldest = 0;
  let next = minutes.findIndex(({ minute }) => minute >= firstEnd - STEP_MS - behindMs);
  if (next < 0) next = minutes.length;
  for (let endMs = firstEnd; endMs <= lastEnd; endMs += STEP_MS) {
    const heardMs = endMs - behindMs;
    for (; next < minutes.length && (minutes[next]?.minute ?? heardMs) < heardMs; next++) {
      const lastRequestMs = (minutes[next]?.minute ?? 0) + MINUTE_MS;
      evaluation.memory = { ...evaluation.memory, lastRequestMs };
    }
    while ((steps[oldest]?.endMs ?? endMs) <= endMs - HOUR_MS) oldest++;
    const lastHour = steps.slice(oldest, oldest + HOUR_MS / STEP_MS);
    await evaluateErrors(evaluation, lastHour, endMs, deps.store);
    evaluateLatency(evaluation, latency, endMs);
    if (endMs % HOUR_MS === 0) await evaluateResources(evaluation, endMs, deps.store);
    if (heardMs % HOUR_MS === 0) await evaluateVolume(evaluation, minutes, heardMs, deps.store);
    const last = silentFrom(evaluation);
    if (noTraffic === "off" || last === null) continue;
    // The profile costs a query; a step that had requests needs none.
    const silent = heardMs - last >= 2 * SLOT_MS;
    const profile = silent ? await profileOf(evaluation, heardMs, deps.store) : NO_PROFILE;
    observeSilence(evaluation, judgeStep(profile, last, heardMs, noTraffic), last, heardMs);
  }
}

/**
 * How far silence and volume lie behind errors and latency: events that come late, as from senders that deliver
 * by the hour, fill what would look like a silence. In whole steps, and a day at most.
 */
const lateMs = (latenessMs: number): number =>
  Math.ceil((Math.min(latenessMs, DAY_MS) - minutesWaitMs(latenessMs)) / STEP_MS) * STEP_MS;

/**
 * Silence begins when agents listen again, after an absence of ours: what nobody could hear is no silence of
 * the model's callers. One that was told already goes on from the last request.
 */
function silentFrom(evaluation: Evaluation): number | null {
  const { listeningSinceMs } = evaluation;
  const { lastRequestMs } = evaluation.memory;
  if (lastRequestMs === null || isOpen(evaluation, "no-traffic")) return lastRequestMs;
  return listeningSinceMs === null ? null : Math.max(lastRequestMs, listeningSinceMs);
}

const NO_PROFILE: TrafficProfile = { firstSlotMs: 0, weeks: [] };

type Minutes = readonly MinuteCounts[];

function stepsOf(minutes: Minutes): readonly StepCounts[] {
  const steps = new Map<number, Writable<Required<StepCounts>>>();
  for (const { minute, n, errors, requests, failed } of minutes) {
    const endMs = (Math.floor(minute / STEP_MS) + 1) * STEP_MS;
    const step = steps.get(endMs) ?? { endMs, rows: 0, errors: 0, requests: 0, failed: 0 };
    step.rows += n;
    step.errors += errors;
    step.requests += requests;
    step.failed += failed;
    steps.set(endMs, step);
  }
  return [...steps.values()];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Of the newest traffic, rows that are stored for each request. */
function rememberShare(evaluation: Evaluation, minutes: Minutes): void {
  if (minutes.length === 0) return;
  const rows = minutes.reduce((sum, { n }) => sum + n, 0);
  const keptShare = rows / minutes.reduce((sum, { requests }) => sum + requests, 0);
  evaluation.memory = { ...evaluation.memory, keptShare };
}

function judgeStep(
  profile: TrafficProfile,
  lastMs: number,
  endMs: number,
  rule: "auto" | number,
): SilenceVerdict {
  const verdict = judgeSilence(profile, lastMs, endMs);
  if (rule === "auto") return verdict;
  return {
    ...verdict,
    breach: verdict.silentMs >= rule,
    reason: `at most ${Math.round(rule / MINUTE_MS)} minutes are allowed`,
  };
}

async function profileOf(
  evaluation: Evaluation,
  endMs: number,
  store: Store,
): Promise<TrafficProfile> {
  // A step that ends at midnight belongs to the day that it closes.
  const dayMs = startOfDay(endMs - 1);
  if (evaluation.readAhead.profile?.dayMs === dayMs) return evaluation.readAhead.profile.traffic;
  const span = {
    model: evaluation.context.model,
    fromMs: dayMs - PROFILE_MARGIN_MS,
    toMs: dayMs + DAY_MS + PROFILE_MARGIN_MS,
    weeks: WEEKS_LOOKED_BACK,
  };
  const [minutes, hours] = await Promise.all([
    store.query(trafficProfileMinutes, span),
    store.query(trafficProfileHours, span),
  ]);
  const { keptShare } = evaluation.memory;
  const traffic = { firstSlotMs: span.fromMs, weeks: weeksOf(span, minutes, hours, keptShare) };
  evaluation.readAhead.profile = { dayMs, traffic };
  return traffic;
}

interface WeekSlots {
  readonly week: number;
  readonly slot: readonly number[];
  readonly n: readonly number[];
  readonly requests: number;
}

/**
 * Weeks that had traffic at all; hours spread evenly where minutes are no longer kept. Rows as the sampling of today
 * would have kept them: silence is no row, however many requests a row stands for.
 */
function weeksOf(
  span: { readonly fromMs: number; readonly toMs: number },
  minutes: readonly WeekSlots[],
  hours: readonly WeekSlots[],
  keptShare: number,
): TrafficProfile["weeks"] {
  const count = (span.toMs - span.fromMs) / SLOT_MS;
  return hours.map((coarse) => {
    const slots = new Float64Array(count);
    const fine = minutes.find(({ week }) => week === coarse.week);
    const { slot, n, requests } = fine ?? coarse;
    const rows = n.reduce((sum, ofSlot) => sum + ofSlot, 0);
    const scale = keptShare * (requests / rows);
    const width = fine === undefined ? SLOTS_PER_HOUR : 1;
    slot.forEach((at, i) =>
      slots.fill((scale * (n[i] ?? 0)) / width, at * width, (at + 1) * width),
    );
    return { weeksAgo: coarse.week, slots };
  });
}

function observeSilence(
  evaluation: Evaluation,
  verdict: SilenceVerdict,
  lastMs: number,
  endMs: number,
): void {
  const { silentMs, expected, pValue, weeks } = verdict;
  if (!verdict.breach && !isOpen(evaluation, "no-traffic")) return;
  evaluation.observe(
    {
      ...serviceDraft("no-traffic", endMs),
      title: `No traffic for ${Math.round(silentMs / MINUTE_MS)} minutes`,
      text: verdict.reason,
      cost: `about ${Math.round(expected / evaluation.memory.keptShare)} requests were expected`,
      causeText: "nobody asks, or what they ask does not reach the model server or its agent",
      certainty: `chance of such silence ${chanceText(pValue)}, from ${weeks} past weeks`,
      numbers: { silentMs, expected, pValue, weeks },
    },
    { breach: verdict.breach, fromMs: lastMs, toMs: endMs },
    endMs,
    SILENCE,
  );
}

/** Most steps are good and nothing is open: they need no words. */
const isOpen = (evaluation: Evaluation, kind: string): boolean =>
  evaluation.memory.alerts[`${kind}/`] !== undefined;

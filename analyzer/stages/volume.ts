/** Volume of every closed hour with the two before it, against the same hours of past weeks. */
import {
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  startOfDay,
  windowEndingAt,
  windowName,
} from "../../contract/window.ts";
import type { Store } from "../../store/client.ts";
import type { Evaluation } from "../evaluation.ts";
import { readTrafficHours } from "./server-traffic.ts";
import { type PastHours, VOLUME_SPAN_MS, VOLUME_WEEKS, judgeVolume } from "../rules/volume.ts";

const WEEK_MS = 7 * DAY_MS;
/** Spans reach back over midnight, and to the neighbouring hours; whole days say which weeks count. */
const MARGIN_MS = DAY_MS;
/** Two spans in a row; over when two are ordinary. */
const HYSTERESIS = { breachesToFire: 2, cleanToResolve: 2 };
/** A gap in which so many requests were expected is a silence. */
const SILENCE_MS = 10 * MINUTE_MS;
const SILENCE_EXPECTED_MIN = 20;

/** @param minutes requests by minute, the last three hours among them */
export async function evaluateVolume(
  evaluation: Evaluation,
  minutes: readonly { readonly minute: number; readonly requests: number }[],
  endMs: number,
  store: Store,
): Promise<void> {
  const { context, listeningSinceMs, memory } = evaluation;
  if (context.document.service.volume === "off") return;
  const fromMs = endMs - VOLUME_SPAN_MS;
  // What nobody could hear is no fall; silence is the other rule's, which says more about it.
  if (listeningSinceMs === null || fromMs < listeningSinceMs) return;
  if (memory.alerts["no-traffic/"] !== undefined) return;
  const past = await pastHours(evaluation, startOfDay(endMs - 1), store);
  const hours = new Map(past.requests);
  for (let hour = fromMs; hour < endMs; hour += HOUR_MS) hours.set(hour, 0);
  for (const { minute, requests } of minutes) {
    if (minute < fromMs || minute >= endMs) continue;
    const hour = Math.floor(minute / HOUR_MS) * HOUR_MS;
    hours.set(hour, (hours.get(hour) ?? 0) + requests);
  }
  const judged = judgeVolume(hours, endMs, Math.min(past.keptShare, memory.keptShare));
  const verdict = {
    ...judged,
    // By rows: a gap between few rows is none between the requests that they stand for.
    breach: judged.breach && !hasSilence(minutes, endMs, judged.expected * memory.keptShare),
  };
  if (!verdict.breach && memory.alerts["volume/"] === undefined) return;
  const { rows, expected, factor, z, weeks } = verdict;
  const times = factor >= 1 ? `${factor.toFixed(1)} times` : `${(factor * 100).toFixed(0)} % of`;
  evaluation.observe(
    {
      kind: "volume",
      subject: "",
      severity: "ticket",
      cause: "unknown",
      title: `${times} the usual requests`,
      text: verdict.reason,
      cost:
        factor >= 1
          ? `${Math.round(rows - expected)} requests more than usual: the service may become slow`
          : `${Math.round(expected - rows)} requests did not come`,
      causeText:
        factor >= 1
          ? "a new or repeating caller, or an event in the world"
          : "some callers are gone, or what they ask does not reach the model server or its agent",
      where: "all rows",
      certainty: `${Math.abs(z).toFixed(1)} standard deviations of what the same hours of ${weeks} past weeks vary by`,
      loop: "nothing: weeks with other traffic are compared as they are",
      numbers: { rows, expected, factor, z, weeks },
      finding: null,
      windows: [windowName(windowEndingAt("day", startOfDay(endMs - 1) + DAY_MS))],
    },
    { breach: verdict.breach, fromMs, toMs: endMs },
    endMs,
    HYSTERESIS,
  );
}

/** What a silence took away was told as silence, and is no fall of what came before and after. */
function hasSilence(
  minutes: readonly { readonly minute: number }[],
  endMs: number,
  expected: number,
): boolean {
  const fromMs = endMs - VOLUME_SPAN_MS;
  let lastMs = fromMs;
  let gapMs = 0;
  for (const { minute } of minutes) {
    if (minute < fromMs || minute >= endMs) continue;
    gapMs = Math.max(gapMs, minute - lastMs);
    lastMs = minute + MINUTE_MS;
  }
  gapMs = Math.max(gapMs, endMs - lastMs);
  return gapMs >= SILENCE_MS && (expected * gapMs) / VOLUME_SPAN_MS >= SILENCE_EXPECTED_MIN;
}

/** Read once a day: past weeks do not change while it lasts. */
async function pastHours(evaluation: Evaluation, dayMs: number, store: Store): Promise<PastHours> {
  const { readAhead } = evaluation;
  if (readAhead.hours?.dayMs === dayMs) return readAhead.hours.past;
  const span = { fromMs: dayMs - VOLUME_WEEKS * WEEK_MS - MARGIN_MS, toMs: dayMs };
  const found = await readTrafficHours(evaluation, span, store);
  const rows = found.reduce((sum, { n }) => sum + n, 0);
  const all = found.reduce((sum, { requests }) => sum + requests, 0);
  const past = {
    requests: new Map(found.map(({ hour, requests }) => [hour, requests] as const)),
    keptShare: rows === 0 ? 1 : rows / all,
  };
  readAhead.hours = { dayMs, past };
  return past;
}

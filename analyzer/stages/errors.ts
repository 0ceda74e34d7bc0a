/** Share of failed requests of every closed 5-minute step, against what the document or the past promises. */
import { DAY_MS, HOUR_MS } from "../../contract/window.ts";
import type { Store } from "../../store/client.ts";
import { pValueText } from "../alerts/p-value-text.ts";
import type { Evaluation } from "../evaluation.ts";
import { type ErrorShareVerdict, type StepCounts, judgeErrorShare } from "../rules/error-share.ts";
import { countsAsBad } from "../rules/recovery.ts";
import {
  type ErrorPromise,
  USUAL_DAYS,
  USUAL_MARGIN_HOURS,
  usualErrors,
} from "../rules/usual-errors.ts";
import { readTrafficHours } from "./server-traffic.ts";
import { serviceDraft } from "./service-draft.ts";

const ERRORS: { breachesToFire: number; cleanToResolve: number } = {
  breachesToFire: 2,
  cleanToResolve: 3,
};

export async function evaluateErrors(
  evaluation: Evaluation,
  lastHour: readonly StepCounts[],
  endMs: number,
  store: Store,
): Promise<void> {
  const { document, isDescribed } = evaluation.context;
  const floor = document.service.error_rate;
  const verdict = judgeErrorShare(lastHour, endMs, floor);
  // What is usual costs a query, and only what is above the floor can be above that.
  if (isDescribed || !verdict.breach) {
    return observeErrors(evaluation, verdict, endMs, { share: floor, origin: "" });
  }
  const promise = await usualErrorsAt(evaluation, endMs, floor, store);
  observeErrors(evaluation, judgeErrorShare(lastHour, endMs, promise.share), endMs, promise);
}

/** What the hour of the step that ends at `endMs` usually fails; read once for each hour. */
async function usualErrorsAt(
  evaluation: Evaluation,
  endMs: number,
  floor: number,
  store: Store,
): Promise<ErrorPromise> {
  const hourMs = Math.floor((endMs - 1) / HOUR_MS) * HOUR_MS;
  if (evaluation.readAhead.errors?.hourMs === hourMs) return evaluation.readAhead.errors.promise;
  const fromMs = hourMs - USUAL_DAYS * DAY_MS - USUAL_MARGIN_HOURS * HOUR_MS;
  const hours = await readTrafficHours(evaluation, { fromMs, toMs: hourMs }, store);
  const promise = usualErrors(hours, hourMs, floor);
  evaluation.readAhead.errors = { hourMs, promise };
  return promise;
}

function observeErrors(
  evaluation: Evaluation,
  verdict: ErrorShareVerdict,
  endMs: number,
  { share: promised, origin }: ErrorPromise,
): void {
  const { rows, errors, failed, share, pValue } = verdict;
  const breach = countsAsBad(verdict, evaluation.isPending("error-share/"));
  if (!breach && evaluation.memory.alerts["error-share/"] === undefined) return;
  evaluation.observe(
    {
      ...serviceDraft("error-share", endMs),
      title: `${(share * 100).toFixed(1)} % of the requests fail`,
      text: origin === "" ? verdict.reason : `${verdict.reason}; ${origin}`,
      cost: `${Math.round(failed)} requests got no answer in this span`,
      causeText: "the service answers with errors; the model itself may be sound",
      certainty: `exact binomial tail ${pValueText(pValue)} under the promised rate`,
      numbers: { rows, errors, share, promised, pValue },
    },
    { breach, fromMs: verdict.fromMs, toMs: verdict.toMs, openedMs: endMs },
    endMs,
    ERRORS,
  );
}

/** What a document would have watched of a model, rule by rule, and what each still waits for. Pure. */
import { roughSpan } from "../../contract/duration.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { DAY_ROWS_MIN, REFERENCE_DAYS } from "../reference/learn-live.ts";
import type { ModelReference } from "../reference/load-reference.ts";
import type { TrafficProfile } from "./traffic-profile.ts";

export interface WatchedRule {
  readonly rule: string;
  /** `waits`: it begins by itself once what it waits for is there. */
  readonly state: "on" | "waits" | "off";
  readonly text: string;
}

export interface Standing {
  readonly reference: ModelReference | null;
  /** Null without traffic. */
  readonly profile: TrafficProfile | null;
}

export function watchPlan(
  document: OnboardingDocument,
  { reference, profile }: Standing,
): readonly WatchedRule[] {
  const { service, task, labels, segments, retrain } = document;
  const on = (rule: string, text: string): WatchedRule => ({ rule, state: "on", text });
  const off = (rule: string, text: string): WatchedRule => ({ rule, state: "off", text });
  const compared = (rule: string, text: string): WatchedRule =>
    reference === null
      ? { rule, state: "waits", text: referenceText(document, profile) }
      : on(rule, `${text} against ${reference.name} (${reference.rows} rows)`);
  const columns = Object.keys(document.features).length;
  const inputs = columns === 0 ? "every column that comes" : `${columns} declared columns`;
  return [
    on("error-share", `pages above ${percent(service.error_rate)} of failed requests`),
    service.no_traffic === "off"
      ? off("no-traffic", "service.no_traffic is off")
      : on("no-traffic", "pages when the same hours of past weeks make silence implausible"),
    on("blind-agent", "pages when the agent that carries the model is not heard"),
    compared(
      "drift",
      `${inputs}${segments.length === 0 ? "" : ` by ${segments.join(" and ")}`}, each week,`,
    ),
    compared("data-break", "units, zones, numberings and missing values, each day,"),
    compared(
      "quality",
      `missing, new categories and declared ranges (${ranges(document)}), each day,`,
    ),
    scored(document)
      ? on("performance", `${metricsOf(task.type)} by day, week and fortnight, once labels come`)
      : off("performance", `no metric of a ${task.type} model is computed yet`),
    task.type === "binary"
      ? on("calibration", "14 days of scores against labels, each Monday")
      : off("calibration", `a ${task.type} model has no probabilities to calibrate`),
    on(
      "no-labels",
      `weeks older than ${roughSpan(labels.expected_within)} that lack the labels which others had`,
    ),
    retrain.mode === "observe" && retrain.when.length === 0
      ? off("retraining", "retrain.when names no trigger")
      : on("retraining", `mode ${retrain.mode}, ${retrain.when.length} triggers`),
  ];
}

export const scored = ({ task }: OnboardingDocument): boolean =>
  task.type === "binary" || task.type === "regression";

const metricsOf = (type: string): string =>
  type === "regression" ? "MAE, RMSE, skill, bias" : "log-loss, skill, Brier, AUC, accuracy";
const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

function ranges({ features }: OnboardingDocument): string {
  const count = Object.values(features).filter(({ range }) => range !== undefined).length;
  return count === 0 ? "none" : String(count);
}

function referenceText(document: OnboardingDocument, profile: TrafficProfile | null): string {
  if (document.reference.training_set !== undefined) {
    return "reference.training_set is read when the document is applied, and is the reference from then on";
  }
  const so =
    profile === null
      ? "no traffic yet"
      : `traffic on ${profile.days === 1 ? "one day" : `${profile.days} days`} so far`;
  return `learnt from the first ${REFERENCE_DAYS} whole days with at least ${DAY_ROWS_MIN} predictions (${so}); or name reference.training_set`;
}

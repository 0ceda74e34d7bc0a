/** Resources of a model's servers, each full hour against the same hours of past weeks. */
import { DAY_MS, HOUR_MS, startOfDay, windowEndingAt, windowName } from "../../contract/window.ts";
import { MEASURES } from "../../contract/server-metric.ts";
import type { Store } from "../../store/client.ts";
import { resourceHours } from "../../store/queries/server-metrics.ts";
import type { Evaluation } from "../evaluation.ts";
import {
  RESOURCE_NAMES,
  RESOURCE_WEEKS,
  type Resource,
  type ResourceVerdict,
  judgeResource,
} from "../rules/resource-anomaly.ts";

const WEEK_MS = 7 * DAY_MS;
/** Two hours in a row; over when two are ordinary. */
const HYSTERESIS = { breachesToFire: 2, cleanToResolve: 2 };
/** Samples that make an hour: fewer are a part of it. */
const SAMPLES_MIN = 6;

type Hours = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** @param endMs a full hour */
export async function evaluateResources(
  evaluation: Evaluation,
  endMs: number,
  store: Store,
): Promise<void> {
  const hourMs = endMs - HOUR_MS;
  const past = await pastHours(evaluation, startOfDay(hourMs), store);
  // Most models tell nothing of their servers, and what has no past is not judged.
  if (past.size === 0) return;
  const today = await readHours(evaluation, startOfDay(hourMs), endMs, store);
  for (const resource of RESOURCE_NAMES) {
    const hours = new Map([...(past.get(resource) ?? []), ...(today.get(resource) ?? [])]);
    const verdict = judgeResource(resource, hours, hourMs);
    if (verdict !== null) observeResource(evaluation, resource, verdict, endMs);
  }
}

/** Read once a day: past days do not change while it lasts. Nothing where no server tells anything. */
async function pastHours(evaluation: Evaluation, dayMs: number, store: Store): Promise<Hours> {
  const { readAhead } = evaluation;
  if (readAhead.resources?.dayMs === dayMs) return readAhead.resources.hours;
  const fromMs = dayMs - RESOURCE_WEEKS * WEEK_MS - HOUR_MS;
  const hours = await readHours(evaluation, fromMs, dayMs, store);
  readAhead.resources = { dayMs, hours };
  return hours;
}

async function readHours(
  evaluation: Evaluation,
  fromMs: number,
  toMs: number,
  store: Store,
): Promise<Hours> {
  const rows = await store.query(resourceHours, {
    ...{ model: evaluation.context.model, fromMs, toMs, samples: SAMPLES_MIN },
    measures: RESOURCE_NAMES.filter((name) => name !== "queue_seconds"),
  });
  const hours = new Map<string, Map<number, number>>();
  for (const { measure, hour, value } of rows) {
    const own = hours.get(measure) ?? new Map<number, number>();
    hours.set(measure, own.set(hour, value));
  }
  return hours;
}

function observeResource(
  evaluation: Evaluation,
  resource: Resource,
  verdict: ResourceVerdict,
  endMs: number,
): void {
  const subject = `resource/${resource}`;
  if (!verdict.breach && evaluation.memory.alerts[`latency/${subject}`] === undefined) return;
  const { value, expected, z, weeks } = verdict;
  const { title } = MEASURES[resource];
  const told = `${amountText(resource, value)}, usually ${amountText(resource, expected)}`;
  evaluation.observe(
    {
      kind: "latency",
      subject,
      severity: "ticket",
      cause: "unknown",
      title: `${title}: ${told}`,
      text: `${title} was ${amountText(resource, value)} in this hour; in the same hours of ${weeks} past weeks it was ${amountText(resource, expected)} by the median (${Math.abs(z).toFixed(1)} standard deviations)`,
      cost: "nothing yet, as far as requests and latency tell; a server that runs out of it fails or becomes slow",
      causeText:
        value > expected
          ? "more or larger requests, a new version or setting of the server, a leak, or a neighbour on its machine"
          : "fewer or smaller requests, or the model runs somewhere else than it should",
      where: "all copies of the server",
      certainty: `${Math.abs(z).toFixed(1)} standard deviations of what the same hours of ${weeks} past weeks vary by`,
      loop: "nothing: retraining does not mend a server",
      numbers: { resource, value, expected, z, weeks },
      finding: null,
      windows: [windowName(windowEndingAt("day", startOfDay(endMs - 1) + DAY_MS))],
    },
    { breach: verdict.breach, fromMs: endMs - HOUR_MS, toMs: endMs },
    endMs,
    HYSTERESIS,
  );
}

/** With the measure's unit, for a person. */
function amountText(resource: Resource, value: number): string {
  switch (MEASURES[resource].unit) {
    case "share":
      return `${(value * 100).toFixed(0)} %`;
    case "bytes":
      return `${(value / 1024 ** 3).toFixed(1)} GiB`;
    case "seconds":
      return `${(value * 1000).toFixed(0)} ms`;
    default:
      return value.toFixed(1);
  }
}

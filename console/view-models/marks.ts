/** What happened beside a model's curves: alerts, runs, versions and changes, as marks on the axis of time. */
import type { AlertView } from "../../contract/alert.ts";
import type { ChangeView, RunView, VersionView } from "../../contract/views.ts";
import { alertPath, runPath } from "../route.ts";

export interface Mark {
  readonly id: string;
  readonly lane: "Alerts" | "Runs" | "Changes";
  readonly tone: "page" | "ticket" | "info" | "good" | "bad" | "plain";
  readonly fromMs: number;
  /** The same as `fromMs` for a moment. */
  readonly toMs: number;
  /** What stands on it, where there is room. */
  readonly label: string;
  readonly title: string;
  readonly href: string | null;
}

const ENDED_BADLY = new Set(["rejected", "rolled_back", "failed", "cancelled"]);

export function marksOf(
  of: {
    readonly alerts: readonly AlertView[];
    readonly runs: readonly RunView[];
    readonly versions: readonly VersionView[];
    readonly changes: readonly ChangeView[];
  },
  span: { readonly fromMs: number; readonly toMs: number },
): readonly Mark[] {
  const marks = [
    ...of.alerts.flatMap((alert) => alertMark(alert, span.toMs)),
    ...of.runs.map((run) => runMark(run, span.toMs)),
    ...of.versions.flatMap(adoptedMark),
    ...of.changes.map(changeMark),
  ];
  return marks
    .filter(({ fromMs, toMs }) => toMs >= span.fromMs && fromMs <= span.toMs)
    .sort((a, b) => a.fromMs - b.fromMs);
}

function alertMark(alert: AlertView, nowMs: number): readonly Mark[] {
  if (alert.fired === null) return [];
  return [
    {
      id: alert.id,
      lane: "Alerts",
      tone: alert.severity,
      fromMs: Date.parse(alert.from),
      toMs: alert.to === null ? nowMs : Date.parse(alert.to),
      label: alert.kind,
      title: `${alert.severity}, ${alert.state}: ${alert.title}`,
      href: alertPath(alert.id),
    },
  ];
}

function runMark(run: RunView, nowMs: number): Mark {
  const version = run.version === null ? "" : ` version ${run.version}`;
  return {
    id: run.id,
    lane: "Runs",
    tone: run.status === "promoted" ? "good" : ENDED_BADLY.has(run.status) ? "bad" : "info",
    fromMs: Date.parse(run.at),
    toMs: run.endedAt === null ? nowMs : Date.parse(run.endedAt),
    label: run.version === null ? run.status : `v${run.version}`,
    title: `Run ${run.status.replace("_", " ")}:${version === "" ? " no version yet" : version}`,
    href: runPath(run.id),
  };
}

function adoptedMark(version: VersionView): readonly Mark[] {
  if (version.origin !== "adopted") return [];
  const atMs = Date.parse(version.registered);
  const name = version.version;
  return [
    {
      ...{ id: `adopted-${name}`, lane: "Runs", tone: "plain", fromMs: atMs, toMs: atMs },
      ...{ label: `v${name}`, title: `Version ${name} adopted: it served already`, href: null },
    },
  ];
}

function changeMark(change: ChangeView): Mark {
  const atMs = Date.parse(change.time);
  const by = change.by === "" ? "" : ` (${change.by})`;
  return {
    ...{ id: change.id, lane: "Changes", tone: "plain", fromMs: atMs, toMs: atMs },
    label: change.title,
    title: `${change.kind}: ${change.title}${by}`,
    href: change.url === "" ? null : change.url,
  };
}

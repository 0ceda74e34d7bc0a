/**
 * The story as a pure function: what was told so far and one message give the lines to print and the line
 * that changes. Messages are repeated by their senders; each thing is told once.
 */
import type { AlertMessage, ReplayMessage, RunMessage } from "../../../contract/messages.ts";
import { formatCount, formatSpan, formatTime } from "../../format.ts";
import type { Paint } from "../../paint.ts";

export type StoryEvent =
  | { readonly kind: "alert"; readonly message: AlertMessage }
  | { readonly kind: "run"; readonly message: RunMessage }
  /** `atMs` is our own clock, for speed and time left. */
  | { readonly kind: "replay"; readonly message: ReplayMessage; readonly atMs: number };

interface Sample {
  readonly atMs: number;
  readonly clockMs: number;
  readonly predictions: number;
}

export interface Told {
  /** Keys of what was told; bounded, oldest first. */
  readonly keys: readonly string[];
  readonly firing: Readonly<Record<string, string>>;
  /** The latest samples, for the speed; oldest first. */
  readonly samples: readonly Sample[];
  readonly progress: string | null;
}

export const NOTHING_TOLD: Told = { keys: [], firing: {}, samples: [], progress: null };

const KEYS_MAX = 2_000;
const SPEED_OVER_MS = 20_000;

export function tell(
  told: Told,
  event: StoryEvent,
  paint: Paint,
): { readonly told: Told; readonly lines: readonly string[] } {
  if (event.kind === "replay") return tellReplay(told, event.message, event.atMs);
  const key = keyOf(event);
  if (told.keys.includes(key)) return { told, lines: [] };
  const keys = [...told.keys, key].slice(-KEYS_MAX);
  if (event.kind === "run") {
    return { told: { ...told, keys }, lines: runLines(event.message, paint) };
  }
  const { message } = event;
  const { [message.id]: _gone, ...others } = told.firing;
  const firing = message.state === "firing" ? { ...others, [message.id]: message.title } : others;
  const lines = message.state === "pending" ? [] : alertLines(message, paint);
  return { told: { ...told, keys, firing }, lines };
}

function keyOf(event: Exclude<StoryEvent, { kind: "replay" }>): string {
  const { message } = event;
  return event.kind === "alert"
    ? `alert ${event.message.id} ${event.message.state}`
    : `run ${message.model} ${event.message.runId ?? ""} ${event.message.step} ${message.atMs}`;
}

const SEVERITY_STYLE = { page: "red", ticket: "yellow", info: "cyan" } as const;

function alertLines(message: AlertMessage, paint: Paint): string[] {
  const resolved = message.state === "resolved";
  const word = resolved ? "resolved" : message.severity;
  const label = paint(resolved ? "green" : SEVERITY_STYLE[message.severity], word.padEnd(11));
  const text = message.text === "" || resolved ? "" : `: ${message.text}`;
  return [
    `${paint("dim", formatTime(message.atMs))}  ${label} ${paint("bold", message.title)}${text}`,
  ];
}

const STEP_STYLE: Readonly<Record<string, "red" | "green" | "yellow" | "cyan">> = {
  promoted: "green",
  rejected: "yellow",
  rolled_back: "red",
  failed: "red",
  cancelled: "yellow",
};
const DECISION_STYLE = {
  RETRAIN: "cyan",
  RECALIBRATE: "cyan",
  WAIT: "dim",
  INVESTIGATE: "yellow",
} as const;

function runLines(message: RunMessage, paint: Paint): string[] {
  const decision = message.step === "check" ? message.decision : null;
  const word = decision ?? message.step;
  const style = decision === null ? STEP_STYLE[message.step] : DECISION_STYLE[decision];
  // The word stands in its own column already.
  const title = message.title.startsWith(`${word}: `)
    ? message.title.slice(word.length + 2)
    : message.title;
  const text = message.text === "" || title.endsWith(message.text) ? "" : `: ${message.text}`;
  const label = paint(style ?? "cyan", word.padEnd(11));
  return [`${paint("dim", formatTime(message.atMs))}  ${label} ${paint("bold", title)}${text}`];
}

function tellReplay(
  told: Told,
  message: ReplayMessage,
  atMs: number,
): { readonly told: Told; readonly lines: readonly string[] } {
  const sample = { atMs, clockMs: message.clockMs, predictions: message.predictions };
  const samples = [...told.samples, sample].filter((old) => atMs - old.atMs <= SPEED_OVER_MS);
  const alerts = Object.keys(told.firing).length;
  const progress = message.phase === "finished" ? null : progressLine(message, samples, alerts);
  const key = `replay ${message.phase} ${message.text}`;
  if (message.text === null || told.keys.includes(key)) {
    return { told: { ...told, samples, progress }, lines: [] };
  }
  const line = `${formatTime(message.clockMs)}  ${message.text}`;
  return { told: { ...told, samples, progress, keys: [...told.keys, key] }, lines: [line] };
}

/** "Mon 2026-09-14 06:00 │ 34 % │ 712 000 predictions, 61 000/s │ 698 000 labels │ 1 alert firing │ 2:10 min left". */
export function progressLine(
  message: ReplayMessage,
  samples: readonly Sample[],
  alertsFiring: number,
): string {
  const share = (message.clockMs - message.fromMs) / Math.max(1, message.toMs - message.fromMs);
  const first = samples[0];
  const last = samples.at(-1);
  const overMs = first === undefined || last === undefined ? 0 : last.atMs - first.atMs;
  const parts = [
    formatTime(message.clockMs),
    `${Math.floor(share * 100)} %`,
    `${formatCount(message.predictions)} predictions${speedOf(first, last, overMs)}`,
    `${formatCount(message.labels)} labels`,
  ];
  if (alertsFiring > 0)
    parts.push(`${alertsFiring} ${alertsFiring === 1 ? "alert" : "alerts"} firing`);
  const leftMs = timeLeft(message, first, last, overMs);
  if (leftMs !== null) parts.push(`${formatSpan(leftMs)} left`);
  return parts.join(" │ ");
}

function speedOf(first: Sample | undefined, last: Sample | undefined, overMs: number): string {
  if (first === undefined || last === undefined || overMs < 1000) return "";
  return `, ${formatCount(((last.predictions - first.predictions) / overMs) * 1000)}/s`;
}

function timeLeft(
  message: ReplayMessage,
  first: Sample | undefined,
  last: Sample | undefined,
  overMs: number,
): number | null {
  if (first === undefined || last === undefined || overMs < 2000) return null;
  const modelMsPerMs = (last.clockMs - first.clockMs) / overMs;
  return modelMsPerMs <= 0 ? null : (message.toMs - message.clockMs) / modelMsPerMs;
}

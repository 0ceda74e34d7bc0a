/**
 * The story as a pure function: what was told so far and one message give the lines to print and the line
 * that changes. Messages are repeated by their senders; each thing is told once.
 */
import type { AlertMessage, ReplayMessage, RunMessage } from "../../../contract/messages.ts";
import { formatCount, formatSpan, formatTime } from "../../format.ts";
import type { Paint } from "../../paint.ts";
import { type Sample, addSample, formatLeft, predictionsPerSecond, timeLeftMs } from "./pace.ts";

export type StoryEvent =
  | { readonly kind: "alert"; readonly message: AlertMessage }
  | { readonly kind: "run"; readonly message: RunMessage }
  /** `atMs` is our own clock, for speed and time left. */
  | { readonly kind: "replay"; readonly message: ReplayMessage; readonly atMs: number };

export interface Told {
  /** Keys of what was told; bounded, oldest first. */
  readonly keys: readonly string[];
  /** What fires, by id, with the title under which it was told. */
  readonly firing: Readonly<Record<string, string>>;
  /** For speed and time left; oldest first. */
  readonly samples: readonly Sample[];
  readonly progress: string | null;
}

export const NOTHING_TOLD: Told = { keys: [], firing: {}, samples: [], progress: null };

const KEYS_MAX = 2_000;

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
  const { [message.id]: toldTitle, ...others } = told.firing;
  const firing = message.state === "firing" ? { ...others, [message.id]: message.title } : others;
  const lines = message.firedMs === null ? [] : alertLines(message, toldTitle, paint);
  return { told: { ...told, keys, firing }, lines };
}

function keyOf(event: Exclude<StoryEvent, { kind: "replay" }>): string {
  const { message } = event;
  return event.kind === "alert"
    ? `alert ${event.message.id} ${event.message.state}`
    : `run ${message.model} ${event.message.runId ?? ""} ${event.message.step} ${message.atMs}`;
}

const SEVERITY_STYLE = { page: "red", ticket: "yellow", info: "cyan" } as const;

/** A resolved alert keeps the title that it fired with, so that the two lines are seen to be one thing. */
function alertLines(
  message: AlertMessage,
  toldTitle: string | undefined,
  paint: Paint,
): readonly string[] {
  const { id, model, atMs, fromMs, toMs, severity } = message;
  const why = paint("dim", `(why ${id})`);
  if (message.state === "resolved") {
    const title = withModel(model, toldTitle ?? message.title);
    const lasted = `lasted ${formatSpan((toMs ?? atMs) - fromMs)} ${why}`;
    return [storyLine(atMs, paint("green", pad("resolved")), title, lasted, paint)];
  }
  const label = paint(SEVERITY_STYLE[severity], pad(severity));
  const text = withoutRepetition(message.title, message.text);
  return [storyLine(atMs, label, withModel(model, message.title), `${text} ${why}`.trim(), paint)];
}

/** "time  label  title – text". */
function storyLine(atMs: number, label: string, title: string, text: string, paint: Paint): string {
  const tail = text === "" ? "" : ` – ${text}`;
  return `${paint("dim", formatTime(atMs))}  ${label} ${paint("bold", title)}${tail}`;
}

const pad = (word: string): string => word.padEnd(11);

const withModel = (model: string, title: string): string =>
  title.startsWith(`${model}: `) ? title : `${model}: ${title}`;

/** The text without what the title has just said, and small where it goes on in mid-sentence. */
function withoutRepetition(title: string, text: string): string {
  if (title.endsWith(text)) return "";
  const [place = ""] = text.split(": ");
  const rest = title.endsWith(place) ? text.slice(place.length + 2) : text;
  return /^[A-Z][a-z]* /.test(rest) ? `${rest.charAt(0).toLowerCase()}${rest.slice(1)}` : rest;
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
  const text = withoutRepetition(title, message.text);
  return [
    storyLine(
      message.atMs,
      paint(style ?? "cyan", pad(word.replace("_", " "))),
      title,
      text,
      paint,
    ),
  ];
}

function tellReplay(
  told: Told,
  message: ReplayMessage,
  atMs: number,
): { readonly told: Told; readonly lines: readonly string[] } {
  const sample = { atMs, clockMs: message.clockMs, predictions: message.predictions };
  const samples = addSample(told.samples, sample);
  const alerts = Object.keys(told.firing).length;
  const progress = message.phase === "finished" ? null : progressLine(message, samples, alerts);
  const key = `replay ${message.phase} ${message.text}`;
  if (message.text === null || told.keys.includes(key)) {
    return { told: { ...told, samples, progress }, lines: [] };
  }
  const line = `${formatTime(message.clockMs)}  ${message.text}`;
  return { told: { ...told, samples, progress, keys: [...told.keys, key] }, lines: [line] };
}

/** "Mon 2026-09-14 06:00 │ 34 %, about 3 min left │ 712 000 predictions, 61 000/s │ 698 000 labels │ 1 alert firing". */
function progressLine(
  message: ReplayMessage,
  samples: readonly Sample[],
  alertsFiring: number,
): string {
  const { clockMs, fromMs, toMs } = message;
  const share = (clockMs - fromMs) / Math.max(1, toMs - fromMs);
  const leftMs = timeLeftMs(samples, toMs);
  const speed = predictionsPerSecond(samples);
  return [
    formatTime(clockMs),
    `${Math.floor(share * 100)} %${leftMs === null ? "" : `, ${formatLeft(leftMs)}`}`,
    `${formatCount(message.predictions)} predictions${speed === null ? "" : `, ${formatCount(speed)}/s`}`,
    `${formatCount(message.labels)} labels`,
    ...(alertsFiring === 0 ? [] : [`${alertsFiring} alert${alertsFiring === 1 ? "" : "s"} firing`]),
  ].join(" │ ");
}

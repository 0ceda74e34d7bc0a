/**
 * Which alerts are open, as a pure fold: a rule's draft and what it saw go in, the alert's next revision
 * comes out when its state changed. Ids and revisions follow from model time alone, so evaluating a window
 * again after a crash writes the same rows.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import {
  AlertKind,
  AlertSeverity,
  type AlertState,
  DataBreakFinding,
  FindingCause,
  Numbers,
} from "../../contract/alert.ts";
import {
  type Episode,
  type EpisodeChange,
  type Hysteresis,
  OK,
  type Observation,
  advanceEpisode,
} from "./episode.ts";

/** What a rule says about one subject of a model, whether it is bad or good at the moment. */
export const AlertDraft = z.strictObject({
  kind: AlertKind,
  /** What of the model: a feature, a segment, a quarantine; empty for the whole model. */
  subject: z.string(),
  severity: AlertSeverity,
  cause: FindingCause,
  title: z.string(),
  /** One sentence with the numbers. */
  text: z.string(),
  cost: z.string(),
  causeText: z.string(),
  where: z.string(),
  certainty: z.string(),
  /** What the loop did and will do. */
  loop: z.string(),
  numbers: Numbers,
  finding: DataBreakFinding.nullable(),
  /** Names of the windows whose results led to it, newest last. */
  windows: z.array(z.string()),
});
export type AlertDraft = z.infer<typeof AlertDraft>;

const EpisodeSchema: z.ZodType<Episode> = z.discriminatedUnion("status", [
  z.strictObject({ status: z.literal("ok") }),
  z.strictObject({
    status: z.literal("pending"),
    fromMs: z.int(),
    toMs: z.int(),
    breaches: z.int(),
  }),
  z.strictObject({
    status: z.literal("firing"),
    fromMs: z.int(),
    toMs: z.int(),
    firedMs: z.int(),
    clean: z.int(),
  }),
]);

/** An alert that is pending or firing. */
export const OpenAlert = z.strictObject({
  id: z.string(),
  revision: z.int(),
  episode: EpisodeSchema,
  draft: AlertDraft,
});
export type OpenAlert = z.infer<typeof OpenAlert>;

/** Open alerts by `kind/subject`. */
export type AlertBook = Readonly<Record<string, OpenAlert>>;

/** One revision of an alert, as it is stored and told. */
export interface AlertRevision {
  readonly id: string;
  readonly model: string;
  readonly revision: number;
  readonly state: AlertState;
  readonly atMs: number;
  readonly fromMs: number;
  readonly toMs: number | null;
  readonly firedMs: number | null;
  readonly draft: AlertDraft;
  readonly replayDigest: string;
  /** False: pending, or pending that did not last; nobody is notified. */
  readonly notify: boolean;
}

export interface BookStep {
  readonly book: AlertBook;
  /** Null when no state changed. */
  readonly revision: AlertRevision | null;
}

const FIRES_AND_RESOLVES_AT_ONCE: Hysteresis = { breachesToFire: 1, cleanToResolve: 1 };

/** @param atMs model time of the evaluation */
export function observe(
  book: AlertBook,
  model: string,
  draft: AlertDraft,
  seen: Observation,
  atMs: number,
  hysteresis: Hysteresis = FIRES_AND_RESOLVES_AT_ONCE,
): BookStep {
  const key = `${draft.kind}/${draft.subject}`;
  const open = book[key];
  const step = advanceEpisode(open?.episode ?? OK, seen, atMs, hysteresis);
  if (step.change === "none" && step.episode.status === "ok") return { book, revision: null };
  const { [key]: _closed, ...others } = book;
  // A good window does not overwrite what the bad ones showed.
  const told = seen.breach || open === undefined ? draft : open.draft;
  const windows = [...(open?.draft.windows ?? []), ...(seen.breach ? draft.windows : [])];
  const kept = { ...told, windows: [...new Set(windows)].slice(-WINDOWS_KEPT_MAX) };
  const fromMs = step.episode.status === "ok" ? spanOf(open).fromMs : step.episode.fromMs;
  const id = open?.id ?? alertId(model, key, seen.openedMs ?? fromMs);
  const revision = (open?.revision ?? 0) + (changesState(step.change) ? 1 : 0);
  const next: AlertBook =
    step.episode.status === "ok"
      ? others
      : { ...others, [key]: { id, revision, episode: step.episode, draft: kept } };
  if (!changesState(step.change)) return { book: next, revision: null };
  return {
    book: next,
    revision: {
      id,
      model,
      revision,
      state: stateOf(step.change),
      atMs,
      fromMs,
      toMs: step.episode.status === "ok" ? spanOf(open).toMs : null,
      firedMs: firedOf(step.episode) ?? firedOf(open?.episode ?? OK),
      draft: kept,
      replayDigest: replayDigest(model, kept),
      notify: step.change === "firing" || step.change === "resolved",
    },
  };
}

/** What ends as the model is retired: all that fires, resolved where its last bad span ended. */
export function endAll(book: AlertBook, model: string, atMs: number): readonly AlertRevision[] {
  return Object.values(book).flatMap(({ draft, episode }) => {
    if (episode.status === "ok") return [];
    const seen = { breach: false, fromMs: episode.toMs, toMs: Math.max(episode.toMs, atMs) };
    const { revision } = observe(book, model, draft, seen, atMs);
    return revision === null ? [] : [revision];
  });
}

const WINDOWS_KEPT_MAX = 60;

/** SHA-256 over everything that the verdict was computed from. */
export function replayDigest(model: string, draft: AlertDraft): string {
  const { kind, subject, numbers, finding, windows } = draft;
  const text = JSON.stringify({ model, kind, subject, numbers, finding, windows });
  return createHash("sha256").update(text).digest("hex");
}

function alertId(model: string, key: string, fromMs: number): string {
  const digest = createHash("sha256").update(`${model}\n${key}\n${fromMs}`).digest("hex");
  return `${key.slice(0, key.indexOf("/"))}-${digest.slice(0, 10)}`;
}

const changesState = (change: EpisodeChange): boolean =>
  change === "pending" || change === "firing" || change === "resolved" || change === "dropped";

function stateOf(change: EpisodeChange): AlertState {
  if (change === "pending") return "pending";
  return change === "firing" ? "firing" : "resolved";
}

function spanOf(open: OpenAlert | undefined): { fromMs: number; toMs: number } {
  const episode = open?.episode ?? OK;
  return episode.status === "ok" ? { fromMs: 0, toMs: 0 } : episode;
}

const firedOf = (episode: Episode): number | null =>
  episode.status === "firing" ? episode.firedMs : null;

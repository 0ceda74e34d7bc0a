/**
 * The states of one alert: ok → pending → firing → resolved, with hysteresis. A pure step per observed
 * window; what a rule saw goes in, what changed comes out. Model time only, so a replay repeats it.
 */

/** What a rule saw in one window of one subject. */
export interface Observation {
  readonly breach: boolean;
  /** The span in which it was bad (or good); model time. */
  readonly fromMs: number;
  readonly toMs: number;
  /** What tells an alert from an earlier one of the same subject, where `fromMs` may come again; model time. */
  readonly openedMs?: number;
}

/** How much it takes to fire and to be over. Both at least 1. */
export interface Hysteresis {
  readonly breachesToFire: number;
  readonly cleanToResolve: number;
}

export type Episode =
  | { readonly status: "ok" }
  | {
      readonly status: "pending";
      readonly fromMs: number;
      readonly toMs: number;
      readonly breaches: number;
    }
  | {
      readonly status: "firing";
      readonly fromMs: number;
      /** End of the last bad span. */
      readonly toMs: number;
      readonly firedMs: number;
      readonly clean: number;
    };

/** `dropped`: pending that did not last; nobody was told. */
export type EpisodeChange = "pending" | "firing" | "resolved" | "dropped" | "continues" | "none";

export interface EpisodeStep {
  readonly episode: Episode;
  readonly change: EpisodeChange;
}

export const OK: Episode = { status: "ok" };

/**
 * @param atMs model time of the evaluation, the moment an alert is said to fire
 */
export function advanceEpisode(
  episode: Episode,
  seen: Observation,
  atMs: number,
  hysteresis: Hysteresis,
): EpisodeStep {
  if (episode.status === "firing") return whileFiring(episode, seen, hysteresis);
  if (!seen.breach) return { episode: OK, change: episode.status === "ok" ? "none" : "dropped" };
  const fromMs = episode.status === "pending" ? episode.fromMs : seen.fromMs;
  const breaches = (episode.status === "pending" ? episode.breaches : 0) + 1;
  if (breaches >= hysteresis.breachesToFire) {
    return {
      episode: { status: "firing", fromMs, toMs: seen.toMs, firedMs: atMs, clean: 0 },
      change: "firing",
    };
  }
  return {
    episode: { status: "pending", fromMs, toMs: seen.toMs, breaches },
    change: episode.status === "ok" ? "pending" : "none",
  };
}

function whileFiring(
  episode: Extract<Episode, { status: "firing" }>,
  seen: Observation,
  hysteresis: Hysteresis,
): EpisodeStep {
  if (seen.breach) {
    return { episode: { ...episode, toMs: seen.toMs, clean: 0 }, change: "continues" };
  }
  const clean = episode.clean + 1;
  return clean >= hysteresis.cleanToResolve
    ? { episode: OK, change: "resolved" }
    : { episode: { ...episode, clean }, change: "none" };
}

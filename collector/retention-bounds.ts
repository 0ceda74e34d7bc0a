/** Event times that may be stored at a moment: not older than what is kept, not beyond a day ahead. */
import { LIMITS } from "../contract/limits.ts";
import type { Retention } from "../store/retention.ts";
import type { Bounds } from "./payload-check.ts";

const DAY_MS = 86_400_000;

export interface RetentionBounds {
  at(nowMs: number): Bounds;
}

export function retentionBounds(retention: Retention): RetentionBounds {
  return {
    at: (nowMs) => {
      const toMs = nowMs + LIMITS.storedAheadMsMax;
      const since = (kept: number) => ({ fromMs: nowMs - kept * DAY_MS, toMs });
      return {
        predictions: since(retention.predictions),
        labels: since(retention.labels),
        deadLetters: since(retention.dead_letters),
        serverMetrics: since(retention.server_metrics),
      };
    },
  };
}

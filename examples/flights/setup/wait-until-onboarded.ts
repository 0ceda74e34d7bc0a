/**
 * Waits until the parts know the model: the analyzer has read the training set, the retrainer has adopted
 * version 1. Without this the first simulated days would be compared with nothing.
 */
import { z } from "zod";
import { DriftmendError } from "../../../contract/driftmend-error.ts";
import type { RunningStage } from "../../../runtime/example-plan.ts";
import { MODEL } from "../replay/story.ts";

const WAIT_MS_MAX = 120_000;
const POLL_MS = 250;

const Versions = z.object({ versions: z.array(z.looseObject({ version: z.string() })) });

export async function waitUntilOnboarded(stage: RunningStage): Promise<void> {
  const startedMs = stage.clock.monotonicMs();
  while (stage.clock.monotonicMs() - startedMs < WAIT_MS_MAX) {
    const answer = Versions.safeParse(
      await stage.request("GET", `/api/v1/models/${MODEL}/versions`).catch(() => undefined),
    );
    if (answer.success && answer.data.versions.length > 0) return;
    await stage.clock.sleep(POLL_MS, stage.signal);
  }
  throw new DriftmendError("example_not_onboarded", {
    retry: "later",
    message: `Cannot begin the story as the retrainer must have adopted version 1: it has not within ${WAIT_MS_MAX / 1000} s`,
    next: "Look into logs/retrainer.log and logs/analyzer.log in the data directory.",
  });
}

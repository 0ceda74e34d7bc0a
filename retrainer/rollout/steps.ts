/** The steps of a roll-out as the document words them: "10% 1d", "100%". */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { Duration } from "../../contract/duration.ts";
import type { RolloutStep } from "../journal/run-state.ts";

const PATTERN = /^\s*(\d+(?:\.\d+)?)%(?:\s+(\d+(?:\.\d+)?(?:ms|s|m|h|d|w)))?\s*$/;

/**
 * Shares grow, all but the last say how long they last, the last is 100 % (added where it is missing).
 * @throws {DriftmendError} rollout_steps_invalid
 */
export function parseSteps(texts: readonly string[]): readonly RolloutStep[] {
  const steps = texts.map((text) => {
    const match = PATTERN.exec(text);
    if (match === null) throw invalid(text, 'it is not like "10% 1d"');
    const share = Number(match[1]) / 100;
    if (!(share > 0 && share <= 1))
      throw invalid(text, "the share is not above 0 % and at most 100 %");
    const lastsMs = match[2] === undefined ? 0 : Duration.parse(match[2]);
    if (share < 1 && lastsMs === 0) throw invalid(text, "it does not say how long it lasts");
    return { share, lastsMs };
  });
  steps.forEach(({ share }, i) => {
    const before = steps[i - 1]?.share ?? 0;
    if (share <= before) throw invalid(texts[i] ?? "", "shares must grow from step to step");
  });
  return steps.at(-1)?.share === 1 ? steps : [...steps, { share: 1, lastsMs: 0 }];
}

function invalid(text: string, why: string): DriftmendError {
  return new DriftmendError("rollout_steps_invalid", {
    retry: "never",
    message: `Cannot read the roll-out step "${text}": ${why}`,
    next: 'Write "rollout.steps" like ["10% 1d", "100%"].',
  });
}

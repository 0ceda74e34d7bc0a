/** What an agent says of the endpoints of model servers that it reads, and what to do where it cannot. Pure. */
import { z } from "zod";
import { formatCount } from "../format.ts";

export const ScrapeState = z.looseObject({
  target: z.string(),
  models: z.array(z.string()),
  up: z.boolean(),
  failures: z.number(),
  samples: z.number(),
  error: z.string().nullable(),
});

export interface ScrapeFinding {
  readonly state: "ok" | "warning" | "wrong";
  readonly detail: string;
  readonly next: string | null;
}

/** Targets that were not read yet are left out: the first reading comes within seconds. */
export function judgeScrapes(
  targets: readonly z.output<typeof ScrapeState>[],
): readonly ScrapeFinding[] {
  return targets.flatMap(({ target, models, up, failures, samples, error }): ScrapeFinding[] => {
    if (failures > 0) {
      const times = failures === 1 ? "" : `, ${formatCount(failures)} times in a row`;
      return [
        {
          state: "wrong",
          detail: `${error ?? `Cannot read ${target}`}${times}`,
          next: `Ask ${target} with curl from the agent's machine; docs/operations.md says what it must answer`,
        },
      ];
    }
    if (!up) return [];
    // Whether it answers is a sample of its own.
    if (samples <= models.length) {
      return [
        {
          state: "warning",
          detail: `${target} answers, and no mapping asks for anything that it says of ${models.length === 0 ? "a model" : models.join(", ")}`,
          next: "Name its metrics in a mapping, and the model where they name none (docs/operations.md)",
        },
      ];
    }
    const of = models.length === 0 ? "no model" : models.join(", ");
    return [
      { state: "ok", detail: `${target}: ${formatCount(samples)} samples of ${of}`, next: null },
    ];
  });
}

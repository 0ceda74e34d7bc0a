/** An empty answer about a model that nobody knows is a wrong name, and is said so. */
import { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import type { Remote } from "./remote.ts";

const Models = z.object({ models: z.array(z.looseObject({ model: z.string() })) });

/** @throws {DriftmendError} not_found when no model of that name has a document or records */
export async function checkModel(remote: Pick<Remote, "api">, model: string): Promise<void> {
  const { models } = await remote.api.request({ path: "/api/v1/models", schema: Models });
  if (models.some((known) => known.model === model)) return;
  const names = models.map((known) => `"${known.model}"`).join(", ");
  throw new DriftmendError("not_found", {
    retry: "never",
    message: `Cannot find the model "${model}": it has neither a document nor records`,
    next:
      names === ""
        ? "No model is known yet; docs/capture.md says how records reach Driftmend."
        : `These models are known: ${names}.`,
  });
}

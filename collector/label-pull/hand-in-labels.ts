/** Hands labels to an agent, through the door that everybody else uses: answered once they are on its disk. */
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import { subjects } from "../../contract/subjects.ts";
import type { Nats } from "../../runtime/nats.ts";

const Answer = z.union([
  z.object({ accepted: z.int(), rejected: z.int(), repeated: z.boolean() }),
  z.object({ error: z.object({ code: z.string(), detail: z.string() }) }),
]);

export interface HandedIn {
  readonly accepted: number;
  /** Dead letters of the agent. */
  readonly refused: number;
}

/** @throws {DriftmendError} label_pull_failed (later): no agent answers, or it takes nothing now */
export async function handInLabels(
  nats: Nats,
  model: string,
  lines: readonly string[],
): Promise<HandedIn> {
  const answer = await ask(nats, model, `${lines.join("\n")}\n`);
  if ("error" in answer) throw notTaken(model, answer.error.detail);
  if (answer.repeated) return { accepted: lines.length, refused: 0 };
  return { accepted: answer.accepted, refused: answer.rejected };
}

async function ask(nats: Nats, model: string, body: string): Promise<z.output<typeof Answer>> {
  const timeout = LIMITS.labelPullAnswerMs;
  try {
    const reply = await nats.connection.request(subjects.ingestLabels(model), body, { timeout });
    return Answer.parse(reply.json());
  } catch (cause) {
    throw notTaken(model, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function notTaken(model: string, why: string, cause?: unknown): DriftmendError {
  return new DriftmendError("label_pull_failed", {
    retry: "later",
    message: `Cannot hand in labels of "${model}" as an agent must take them from NATS: ${why}`,
    next: "It is tried again; see whether an agent runs with DRIFTMEND_NATS_URL.",
    cause,
  });
}

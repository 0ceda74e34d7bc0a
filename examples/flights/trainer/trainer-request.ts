/** What the retrainer asks of a trainer, read from the environment once (INTERFACES §5). */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Environment } from "../../../runtime/env.ts";
import { TrainerFailure } from "./trainer-failure.ts";

const Params = z.strictObject({
  /** Ridge on the summed loss: l2 / 2 times the squared weights. */
  l2: z.number().positive().prefault(10),
  iterationsMax: z.int().positive().max(1000).prefault(60),
  /** Largest derivative per unit of weight at which the fit ends. */
  tolerance: z.number().positive().prefault(1e-8),
  /** The label that counts as 1; `dataset.json` says it where it is absent. */
  positive: z.string().optional(),
});
export type TrainerParams = z.infer<typeof Params>;

export interface TrainerRequest {
  readonly runId: string;
  readonly model: string;
  readonly params: TrainerParams;
  readonly datasetFolder: string;
  readonly outFolder: string;
}

/** @throws {TrainerFailure} 64 for parameters, 66 for folders that are not named */
export function trainerRequest(env: Environment): TrainerRequest {
  return {
    runId: env["DRIFTMEND_RUN_ID"] ?? "",
    model: env["DRIFTMEND_MODEL"] ?? "flights",
    params: parseParams(env["DRIFTMEND_PARAMS"] ?? "{}"),
    datasetFolder: folderOf(env, "DRIFTMEND_DATASET"),
    outFolder: folderOf(env, "DRIFTMEND_OUT"),
  };
}

function parseParams(text: string): TrainerParams {
  let value: unknown;
  try {
    value = JSON.parse(text === "" ? "{}" : text);
  } catch (cause) {
    throw new TrainerFailure("parameters", "Cannot read DRIFTMEND_PARAMS as JSON", cause);
  }
  const parsed = Params.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = z.prettifyError(parsed.error);
  throw new TrainerFailure("parameters", `Cannot train with DRIFTMEND_PARAMS: ${problems}`);
}

function folderOf(env: Environment, name: string): string {
  const value = env[name] ?? "";
  if (value === "") throw new TrainerFailure("input", `Cannot train: ${name} is not set`);
  if (value.startsWith("file://")) return fileURLToPath(value);
  if (/^[a-z0-9]+:\/\//.test(value)) {
    const reason = `"${value}" is neither a folder nor a file:// URI`;
    throw new TrainerFailure("parameters", `Cannot use ${name} as a folder: ${reason}`);
  }
  return value;
}

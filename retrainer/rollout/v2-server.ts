/** The few calls of the V2 protocol (Open Inference Protocol) that a roll-out needs. */
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { ModelSignature } from "../judge/scoring-pool.ts";
import type { RecordedRow } from "./target.ts";

export interface V2Server {
  /** Tells the server to read its repository again. */
  load(): Promise<void>;
  /** The version that answers a recorded row; the request is marked as a probe. */
  versionFor(id: string, row: RecordedRow): Promise<string>;
}

/** Answered like any request, never recorded: a probe is no traffic. */
const PROBE_HEADER = "x-driftmend-probe";
const DATATYPES: Readonly<Record<string, string>> = {
  float32: "FP32",
  float64: "FP64",
  int64: "INT64",
  int32: "INT32",
  string: "BYTES",
};

const InferAnswer = z.looseObject({ model_version: z.coerce.string().min(1) });

export function v2Server(url: string, model: string, signature: ModelSignature | null): V2Server {
  const base = url.replace(/\/+$/, "");
  const name = encodeURIComponent(model);
  return {
    load: async () => {
      await call(`${base}/v2/repository/models/${name}/load`, {}, LIMITS.targetTimeoutMs);
    },
    versionFor: async (id, row) => {
      const inputs = (signature?.inputs ?? []).map(({ name: input, type, rank }) => ({
        name: input,
        datatype: DATATYPES[type] ?? "FP32",
        shape: rank === 1 ? [1] : [1, 1],
        data: [valueOf(row[input], type)],
      }));
      const path = `${base}/v2/models/${name}/infer`;
      const answer = await call(path, { id, inputs }, LIMITS.proofTimeoutMs);
      const parsed = InferAnswer.safeParse(answer);
      if (parsed.success) return parsed.data.model_version;
      throw new DriftmendError("target_unproven", {
        retry: "never",
        message: `Cannot tell which version answers at "${path}": its answers carry no "model_version"`,
        next: "Let the server name the version in every V2 answer; docs/directory-target.md says how.",
      });
    },
  };
}

function valueOf(value: number | string | undefined, type: string): number | string {
  if (type === "string") return value === undefined ? "" : String(value);
  const number = Number(value);
  // JSON has no NaN: a missing number is asked as 0, since only the version of the answer counts.
  return Number.isFinite(number) ? number : 0;
}

async function call(url: string, body: object, timeoutMs: number): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", [PROBE_HEADER]: "1" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (cause) {
    throw new DriftmendError("target_unreachable", {
      retry: "later",
      message: `Cannot reach the model server at "${url}": ${causeText(cause)}`,
      next: 'Start the server, or correct "rollout.url" in the onboarding document.',
      cause,
    });
  }
  const text = await response.text();
  if (!response.ok) {
    throw new DriftmendError("target_refused", {
      retry: response.status >= 500 ? "later" : "never",
      message: `Cannot call "${url}": the model server answered ${response.status}: ${text.slice(0, 500)}`,
      next: 'Its own log says more; the pointer file can be corrected with "driftmend rollback".',
    });
  }
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return {};
  }
}

function causeText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

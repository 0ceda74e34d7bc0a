/** The HTTP API as commands use it: JSON with the bearer token, problem documents as errors. */
import { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";

export interface Api {
  readonly url: string;
  /** Parses the answer; a status of 400 and above throws the problem's code, detail and next step. */
  request<T>(call: ApiCall<T>): Promise<T>;
}

export interface ApiCall<T> {
  readonly method?: "GET" | "PUT" | "POST" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly schema: z.ZodType<T>;
  /** Longer than a minute, for what computes. */
  readonly timeoutMs?: number;
}

const Problem = z.object({
  detail: z.string(),
  code: z.string(),
  next: z.string().nullish(),
});
const TIMEOUT_MS = 60_000;

export function createApi(options: { readonly url: string; readonly token: string | null }): Api {
  return {
    url: options.url,
    request: async (call) => {
      const response = await send(options, call);
      const text = await response.text();
      if (!response.ok) throw problemOf(response.status, text);
      const json: unknown = text === "" ? null : JSON.parse(text);
      return call.schema.parse(json);
    },
  };
}

async function send<T>(
  { url, token }: { readonly url: string; readonly token: string | null },
  call: ApiCall<T>,
): Promise<Response> {
  try {
    return await fetch(new URL(call.path, url), {
      method: call.method ?? "GET",
      headers: {
        accept: "application/json",
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
      },
      signal: AbortSignal.timeout(call.timeoutMs ?? TIMEOUT_MS),
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    throw new DriftmendError("system_unreachable", {
      retry: "later",
      message: `Cannot reach Driftmend at "${url}" as it must answer: ${reason instanceof Error ? reason.message : String(reason)}`,
      next: 'Start it with "npm start" (or "npx driftmend up"), or set DRIFTMEND_URL and DRIFTMEND_TOKEN.',
      cause,
    });
  }
}

function problemOf(status: number, text: string): DriftmendError {
  let problem: z.infer<typeof Problem> | undefined;
  try {
    problem = Problem.parse(JSON.parse(text));
  } catch {
    problem = undefined;
  }
  return new DriftmendError(problem?.code ?? "answer_unexpected", {
    retry: status >= 500 ? "later" : "never",
    message: problem?.detail ?? `The answer was HTTP ${status}: ${text.slice(0, 300)}`,
    ...(typeof problem?.next === "string" ? { next: problem.next } : {}),
  });
}

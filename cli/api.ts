/** The HTTP API as commands use it: JSON with the bearer token, problem documents as errors. */
import { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import { type Exchanged, exchange } from "./exchange.ts";

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
      const answer = await send(options, call);
      if (answer.status < 200 || answer.status > 299) throw problemOf(answer);
      const json: unknown = answer.text === "" ? null : JSON.parse(answer.text);
      return call.schema.parse(json);
    },
  };
}

async function send<T>(
  { url, token }: { readonly url: string; readonly token: string | null },
  call: ApiCall<T>,
): Promise<Exchanged> {
  try {
    return await exchange(new URL(call.path, url), {
      method: call.method ?? "GET",
      headers: {
        accept: "application/json",
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
      },
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
      timeoutMs: call.timeoutMs ?? TIMEOUT_MS,
    });
  } catch (cause) {
    throw new DriftmendError("system_unreachable", {
      retry: "later",
      message: `Cannot reach Driftmend at "${url}" as it must answer: ${reasonOf(cause)}`,
      next: 'Start it with "npm start" (or "npx driftmend up"), or set DRIFTMEND_URL and DRIFTMEND_TOKEN.',
      cause,
    });
  }
}

/** Several addresses of one name are tried, and their failures come as one without a message. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}

function problemOf({ status, location, text }: Exchanged): DriftmendError {
  let problem: z.infer<typeof Problem> | undefined;
  try {
    problem = Problem.parse(JSON.parse(text));
  } catch {
    problem = undefined;
  }
  const elsewhere = location === null ? "" : `, which points to "${location}"`;
  return new DriftmendError(problem?.code ?? "answer_unexpected", {
    retry: status >= 500 ? "later" : "never",
    message: problem?.detail ?? `The answer was HTTP ${status}${elsewhere}: ${text.slice(0, 300)}`,
    ...(typeof problem?.next === "string" ? { next: problem.next } : {}),
  });
}

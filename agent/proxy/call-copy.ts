/** What is kept of one inference call over HTTP while it passes. */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../runtime/clock.ts";
import type { AnswerHead, RequestHead } from "./http-head.ts";
import type { InferenceCall } from "./inference-call.ts";
import type { PassedFacts } from "./passed-call.ts";
import { type CopyBudget, Tee } from "./tee.ts";

/** Takes over the copies, whose memory it gives back. */
export type OnPassed = (call: PassedFacts, request: Tee, response: Tee) => void;

export const ID_HEADER = "x-prediction-id";
const ID_MAX = 256;

export interface CopyDeps {
  readonly clock: Clock;
  readonly budget: CopyBudget;
  readonly onPassed: OnPassed;
}

export class CallCopy {
  readonly id: string;
  readonly request: Tee;
  readonly response: Tee;
  private readonly call: InferenceCall;
  private readonly head: RequestHead;
  private readonly deps: CopyDeps;
  private readonly timeMs: number;
  private readonly startedMs: number;
  private firstByteMs = Number.NaN;
  private hasEnded = false;

  constructor(call: InferenceCall, head: RequestHead, deps: CopyDeps) {
    this.call = call;
    this.head = head;
    this.deps = deps;
    this.request = new Tee(deps.budget);
    this.response = new Tee(deps.budget);
    this.timeMs = deps.clock.nowMs();
    this.startedMs = deps.clock.monotonicMs();
    this.id = callId(head.headers[ID_HEADER]);
  }

  answered(content: Buffer): void {
    if (Number.isNaN(this.firstByteMs)) this.firstByteMs = this.deps.clock.monotonicMs();
    this.response.add(content);
  }

  /** @param answer null where the server gave none, or not all of it */
  end(answer: AnswerHead | null): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    const nowMs = this.deps.clock.monotonicMs();
    const passed = {
      ...{ call: this.call, id: this.id, timeMs: this.timeMs },
      latencySeconds: (nowMs - this.startedMs) / 1000,
      firstByteSeconds: (this.firstByteMs - this.startedMs) / 1000,
      status: answer?.status ?? null,
      requestHeaders: this.head.headers,
      responseHeaders: answer?.headers ?? {},
    };
    this.deps.onPassed(passed, this.request, this.response);
  }

  /** The caller went away: there is no answer to tell of. */
  forget(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.request.drop();
    this.response.drop();
  }
}

/** The id that the caller gives to a call, or a new one. */
export function callId(given: unknown): string {
  const isId = typeof given === "string" && given !== "" && given.length <= ID_MAX;
  return isId ? given : randomUUID();
}

/** What is kept of one inference call over HTTP while it passes. */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../runtime/clock.ts";
import type { AnswerHead, Headers, RequestHead } from "./http-head.ts";
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

/** What a copied call keeps besides its bodies: its head, and some objects. */
const CALL_BYTES = 1024;
const HEAD_BYTES_MAX = 16 * 1024;

/** Whether a call with such a head may be copied: heads are held in memory too. */
export function mayCopy(headBytes: number, budget: CopyBudget): boolean {
  return headBytes <= HEAD_BYTES_MAX && budget.hasRoomFor(headBytes + CALL_BYTES);
}

export class CallCopy {
  readonly id: string;
  readonly request: Tee;
  readonly response: Tee;
  private readonly call: InferenceCall;
  private readonly head: RequestHead;
  private readonly deps: CopyDeps;
  private readonly timeMs: number;
  readonly startedMs: number;
  private firstByteMs = Number.NaN;
  private hasEnded = false;

  /** @param headBytes of the request's head, for which there must be room (`mayCopy`) */
  constructor(call: InferenceCall, head: RequestHead, headBytes: number, deps: CopyDeps) {
    this.call = call;
    this.head = head;
    this.deps = deps;
    this.request = new Tee(deps.budget, headBytes + CALL_BYTES);
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
      responseHeaders: answer === null ? {} : neededOf(answer.headers),
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

/** What an answer's body is read by. */
const NEEDED = ["content-type", "content-encoding", "inference-header-content-length"];
const NEEDED_CHARACTERS_MAX = 256;

function neededOf(headers: Headers): Headers {
  const needed = NEEDED.map((name) => [name, headers[name]] as const).filter(
    (entry): entry is readonly [string, string] =>
      entry[1] !== undefined && entry[1].length <= NEEDED_CHARACTERS_MAX,
  );
  return Object.fromEntries(needed);
}

/** The id that the caller gives to a call, or a new one. */
export function callId(given: unknown): string {
  const isId = typeof given === "string" && given !== "" && given.length <= ID_MAX;
  return isId ? given : randomUUID();
}

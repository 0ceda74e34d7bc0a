/** What is kept of one inference call while it passes, over HTTP or gRPC. */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../runtime/clock.ts";
import type { Headers } from "./http-head.ts";
import type { InferenceCall } from "./inference-call.ts";
import type { PassedFacts, PassedHeaders } from "./passed-call.ts";
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

/** What a copied call keeps besides its bodies and its head: some objects. */
const CALL_BYTES = 1024;
const HEAD_BYTES_MAX = 16 * 1024;

/** What becomes of a call with such a head, which is held in memory too: `unread` is too large, `shed` has no room. */
export function mayCopy(headBytes: number, budget: CopyBudget): "copied" | "unread" | "shed" {
  if (headBytes > HEAD_BYTES_MAX) return "unread";
  return budget.hasRoomFor(headBytes + CALL_BYTES) ? "copied" : "shed";
}

/** How a call ended. */
export interface Ending {
  readonly call: InferenceCall;
  /** HTTP's; null where the server gave no answer, or not all of it. */
  readonly status: number | null;
  readonly responseHeaders: PassedHeaders;
}

export class CallCopy {
  readonly id: string;
  readonly request: Tee;
  readonly response: Tee;
  private readonly headers: PassedHeaders;
  private readonly deps: CopyDeps;
  private readonly timeMs: number;
  private readonly startedMs: number;
  private firstByteMs = Number.NaN;
  private hasEnded = false;

  /** @param headBytes of the request's head, for which there must be room (`mayCopy`) */
  constructor(headers: PassedHeaders, headBytes: number, deps: CopyDeps) {
    this.headers = headers;
    this.deps = deps;
    this.request = new Tee(deps.budget, headBytes + CALL_BYTES);
    this.response = new Tee(deps.budget);
    this.timeMs = deps.clock.nowMs();
    this.startedMs = deps.clock.monotonicMs();
    this.id = callId(headers[ID_HEADER]);
  }

  answered(content: Buffer): void {
    if (Number.isNaN(this.firstByteMs)) this.firstByteMs = this.deps.clock.monotonicMs();
    this.response.add(content);
  }

  end(ending: Ending): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    const { id, timeMs, startedMs, headers: requestHeaders } = this;
    const latencySeconds = (this.deps.clock.monotonicMs() - startedMs) / 1000;
    const firstByteSeconds = (this.firstByteMs - startedMs) / 1000;
    this.deps.onPassed(
      { ...ending, id, timeMs, latencySeconds, firstByteSeconds, requestHeaders },
      this.request,
      this.response,
    );
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

export function neededOf(headers: Headers): Headers {
  const needed = NEEDED.map((name) => [name, headers[name]] as const).filter(
    (entry): entry is readonly [string, string] =>
      entry[1] !== undefined && entry[1].length <= NEEDED_CHARACTERS_MAX,
  );
  return Object.fromEntries(needed);
}

/** The id that the caller gives to a call, or a new one. */
function callId(given: unknown): string {
  const isId = typeof given === "string" && given !== "" && given.length <= ID_MAX;
  return isId ? given : randomUUID();
}

/** One inference call that passed, as it is handed from the thread that passes to the one that captures. */
import type { InferenceCall } from "./inference-call.ts";

/** Names in lower case. */
export type PassedHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** From where to where, in bytes. */
export type Span = readonly [start: number, end: number];

export interface PassedFacts {
  readonly call: InferenceCall;
  /** What the caller was told in `x-prediction-id`. */
  readonly id: string;
  /** Wall time at which it came. */
  readonly timeMs: number;
  readonly latencySeconds: number;
  /** Until the first byte of the answer's body; NaN where there was none. */
  readonly firstByteSeconds: number;
  /** HTTP's; null where the server gave none. */
  readonly status: number | null;
  readonly requestHeaders: PassedHeaders;
  readonly responseHeaders: PassedHeaders;
}

export interface PassedCall extends PassedFacts {
  /** Where its bodies stand, as they passed; null where they were too large to be kept. */
  readonly request: Span | null;
  readonly response: Span | null;
}

/** One inference call that passed, as it is handed to capture. */
import type { InferenceCall } from "./inference-call.ts";
import type { Tee } from "./tee.ts";

export interface PassedCall {
  readonly call: InferenceCall;
  /** What the caller was told in `x-prediction-id`. */
  readonly id: string;
  /** Wall time at which it came. */
  readonly timeMs: number;
  readonly latencySeconds: number;
  /** Until the first byte of the answer's body. */
  readonly firstByteSeconds: number;
  /** HTTP's; null where the server gave none. */
  readonly status: number | null;
  /** Names in lower case. */
  readonly requestHeaders: NodeJS.Dict<string | string[]>;
  readonly responseHeaders: NodeJS.Dict<string | string[]>;
  readonly request: Tee;
  readonly response: Tee;
}

/** What the thread that passes calls and the agent's own say to each other. */
import type { PassedCall } from "./passed-call.ts";

export interface PassOptions {
  readonly host: string;
  readonly http: { readonly upstream: string; readonly port: number } | null;
  readonly grpc: { readonly upstream: string; readonly port: number } | null;
}

export type FromPass =
  | { readonly kind: "listening"; readonly urls: readonly string[] }
  | {
      readonly kind: "port-in-use";
      readonly setting: "DRIFTMEND_PROXY_PORT" | "DRIFTMEND_PROXY_GRPC_PORT";
      readonly message: string;
    }
  /** Several at once: to wake the other thread for each would cost the callers more than to capture them. */
  | {
      readonly kind: "calls";
      readonly seq: number;
      readonly calls: readonly PassedCall[];
      /** What their spans are of. */
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  /** Passed, but too many wait to be captured. */
  | { readonly kind: "shed" }
  /** A connection on which from now on all passes, but nothing is captured: its messages are not understood. */
  | { readonly kind: "unread" }
  | { readonly kind: "upstream-failed"; readonly upstream: string; readonly message: string }
  | { readonly kind: "stopped" };

export type ToPass =
  /** These calls were captured, and their memory may be used again. */
  { readonly kind: "done"; readonly seq: number } | { readonly kind: "stop" };

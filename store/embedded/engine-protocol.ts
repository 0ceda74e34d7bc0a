/** Messages between the endpoint's main thread and the threads in which queries run. */
export interface EngineJob {
  /** SET and USE statements for the session, or "". */
  readonly before: string;
  readonly sql: string;
  readonly format: string;
  /** `stream`: block by block where the engine can; `whole`: the answer at once (or none). */
  readonly mode: "stream" | "whole";
  /** A session that outlives the job; absent: a fresh one. */
  readonly session: { readonly key: string; readonly after: string } | undefined;
}

export interface JobSummary {
  readonly rowsRead: number;
  readonly bytesRead: number;
  readonly elapsedSeconds: number;
  /** Rows of the result where the engine counted them (streams only). */
  readonly resultRows: number;
}

export type ToWorker =
  | { readonly kind: "run"; readonly id: number; readonly job: EngineJob }
  /** One more chunk may be sent. */
  | { readonly kind: "more" }
  | { readonly kind: "cancel"; readonly id: number }
  | { readonly kind: "forget-session"; readonly key: string };

export type FromWorker =
  | { readonly kind: "chunk"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "done"; readonly id: number; readonly summary: JobSummary }
  | { readonly kind: "failed"; readonly id: number; readonly message: string };

/** Chunks of about a megabyte that may wait between a worker and the socket. */
export const CHUNKS_IN_FLIGHT = 3;

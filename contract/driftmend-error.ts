/**
 * The one error class that crosses folders. `code` is for machines and has a heading in docs/errors.md;
 * `retry` tells the caller what may be done with the same input; `next` tells a person what to do.
 */
export type Retry = "never" | "later" | "now";

export interface DriftmendErrorOptions {
  readonly retry: Retry;
  /** "Cannot <action> as <wanted state>: <current state>", no final period. */
  readonly message: string;
  /** What a person types or does next; a full sentence. */
  readonly next?: string;
  readonly cause?: unknown;
}

export class DriftmendError extends Error {
  override readonly name = "DriftmendError";
  readonly code: string;
  readonly retry: Retry;
  readonly next: string | undefined;

  constructor(code: string, options: DriftmendErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry;
    this.next = options.next;
  }
}

/** The message of anything that was thrown, with the code where there is one. */
export function describeError(error: unknown): string {
  if (error instanceof DriftmendError) {
    return `${error.message} [${error.code}]${error.next === undefined ? "" : ` ${error.next}`}`;
  }
  return error instanceof Error ? error.message : String(error);
}

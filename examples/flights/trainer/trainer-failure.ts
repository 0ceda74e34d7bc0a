/**
 * Why a training ended without a model, as the exit code that the retrainer reads (INTERFACES §5):
 * 64–66 say that the same input would fail again.
 */
export const EXIT_CODES = { parameters: 64, data: 65, input: 66 } as const;

export class TrainerFailure extends Error {
  override readonly name = "TrainerFailure";
  readonly exitCode: number;

  constructor(kind: keyof typeof EXIT_CODES, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = EXIT_CODES[kind];
  }
}

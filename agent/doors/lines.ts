/** Event and label lines, from whichever door: taken in, on disk, and what became of them. */
import type { AgentCounters } from "../agent-counters.ts";
import type { Intake, Taken } from "../intake.ts";
import { deadLetterCount, emptyOutcome, shedCount } from "../outcome.ts";
import type { Recorder } from "../recorder.ts";
import { readEventLines } from "./json-lines.ts";
import { LabelLineReader } from "./label-lines.ts";

export type LineKind = "events" | "labels";

export interface LinesAnswer {
  /** Taken in; those that the sample of their model leaves out among them. */
  readonly accepted: number;
  /** Set aside as dead letters, or not kept as they are over their model's rate. */
  readonly rejected: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** The same bytes were taken in before: nothing was added. */
  readonly repeated: boolean;
}

export class Lines {
  private readonly deps: {
    readonly intake: Intake;
    readonly recorder: Recorder;
    readonly counters: AgentCounters;
  };
  private readonly labels: LabelLineReader;

  constructor(deps: Lines["deps"]) {
    this.deps = deps;
    this.labels = new LabelLineReader(deps.recorder);
  }

  /**
   * Resolves once they are on disk; done with the body when it returns.
   * @throws {DriftmendError} request_malformed; spool_full, disk_full, disk_behind (retry later)
   */
  async take(kind: LineKind, body: Buffer): Promise<LinesAnswer> {
    const { intake, recorder, counters } = this.deps;
    const read = (): void => {
      if (kind === "labels") this.labels.read(body);
      else readEventLines(body.toString("utf8"), recorder);
    };
    const taken: Taken | null = body.length === 0 ? null : await intake.take(kind, body, read);
    counters.took(taken);
    const outcome = taken?.kind === "taken" ? taken.outcome : emptyOutcome();
    const shed = shedCount(outcome);
    return {
      accepted: outcome.predictions + outcome.labels + outcome.sampledOut,
      rejected: deadLetterCount(outcome) + shed,
      reasons: Object.fromEntries([
        ...outcome.deadLetters,
        ...(shed === 0 ? [] : [["rate_limited", shed] as const]),
      ]),
      repeated: taken?.kind === "repeated",
    };
  }
}

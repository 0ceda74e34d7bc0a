/**
 * Tells the log once of each way in which records come otherwise than their senders meant, and of how many more once an
 * hour: whoever attaches a server sees it at once, and a server that goes on does not fill the log.
 */
import { LIMITS } from "../contract/limits.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Outcome } from "./outcome.ts";
import { RECORD_ADVICE } from "./record-advice.ts";

interface Told {
  atMs: number;
  /** Since then. */
  count: number;
}

export class RecordWarnings {
  private readonly logger: Logger;
  private readonly clock: Clock;
  /** By kind, of which there are as many as reasons of dead letters, and four. */
  private readonly told = new Map<string, Told>();

  constructor(deps: { readonly logger: Logger; readonly clock: Clock }) {
    this.logger = deps.logger;
    this.clock = deps.clock;
  }

  tell(outcome: Outcome): void {
    for (const [reason, records] of outcome.deadLetters) {
      this.count(reason, records, `records are set aside (${reason})`, RECORD_ADVICE.setAside);
    }
    const { droppedRecords, valuesSkipped, valuesCut } = outcome;
    const dropped = "the SDK dropped attributes of records before they came";
    this.count("dropped", droppedRecords, dropped, RECORD_ADVICE.dropped);
    this.count("skipped", valuesSkipped, "values cannot be stored", RECORD_ADVICE.skipped);
    this.count("cut", valuesCut, "texts are cut", RECORD_ADVICE.cut);
  }

  tellMetrics(): void {
    this.count("metrics", 1, "metrics come of which none is used", RECORD_ADVICE.metrics);
  }

  private count(kind: string, count: number, what: string, advice: string): void {
    if (count === 0) return;
    const nowMs = this.clock.monotonicMs();
    const told = this.told.get(kind);
    if (told !== undefined && nowMs - told.atMs < LIMITS.recordWarningPeriodMs) {
      told.count += count;
      return;
    }
    this.told.set(kind, { atMs: nowMs, count: 0 });
    this.logger.warn({ count: count + (told?.count ?? 0) }, `${what}. ${advice}`);
  }
}

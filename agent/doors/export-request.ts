/** One OTLP export request, from whichever door: decoded, on disk, and what is to be told of records that were refused. */
import { LIMITS } from "../../contract/limits.ts";
import type { AgentCounters } from "../agent-counters.ts";
import type { FeatureRules } from "../columns/feature-rules.ts";
import type { Intake } from "../intake.ts";
import type { MappingBook } from "../mapping/mapping-book.ts";
import { readJsonRequest } from "../otlp/json-request.ts";
import type { RequestReader, Signal } from "../otlp/request-reader.ts";
import { deadLetterCount, refusalText, shedCount } from "../outcome.ts";
import type { Recorder } from "../recorder.ts";
import type { MetricDoor } from "../server-metrics/metric-door.ts";
import type { OtlpEncoding, PartialSuccess } from "./otlp-answer.ts";

export interface ExportDeps {
  readonly intake: Intake;
  readonly recorder: Recorder;
  readonly reader: RequestReader;
  readonly rules: FeatureRules;
  readonly mappings: MappingBook;
  readonly counters: AgentCounters;
  readonly metrics: MetricDoor;
}

/**
 * Resolves once the records are on disk; done with the body when it returns.
 * @returns null for full success
 * @throws {DriftmendError} request_malformed; spool_full, disk_full, disk_behind (retry later)
 */
export async function takeExport(
  signal: Signal | "metrics",
  encoding: OtlpEncoding,
  body: Buffer,
  deps: ExportDeps,
): Promise<PartialSuccess | null> {
  if (signal === "metrics") {
    return body.length === 0 ? null : deps.metrics.take(encoding, body);
  }
  const taken =
    body.length === 0
      ? null
      : await deps.intake.take(signal, body, () => {
          if (encoding === "protobuf") deps.reader.read(signal, body);
          else {
            const { recorder, rules, mappings } = deps;
            readJsonRequest(signal, body.toString("utf8"), recorder, rules, mappings);
          }
        });
  deps.counters.took(taken);
  const outcome = taken?.kind === "taken" ? taken.outcome : null;
  const message = outcome === null ? null : refusalText(outcome, LIMITS.refusalsToldMax);
  if (outcome === null || message === null) return null;
  return { rejected: deadLetterCount(outcome) + shedCount(outcome), message };
}

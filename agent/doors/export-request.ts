/** One OTLP export request, from whichever door: decoded, on disk, and what is to be told of records that were refused. */
import { LIMITS } from "../../contract/limits.ts";
import type { AgentCounters } from "../agent-counters.ts";
import type { FeatureRules } from "../columns/feature-rules.ts";
import type { Intake } from "../intake.ts";
import type { MappingBook } from "../mapping/mapping-book.ts";
import { jsonObject, readJsonRequest } from "../otlp/json-request.ts";
import type { RequestReader, Signal } from "../otlp/request-reader.ts";
import { mustBeMessage } from "../otlp/wire.ts";
import { deadLetterCount, refusalText } from "../outcome.ts";
import type { Recorder } from "../recorder.ts";
import type { OtlpEncoding, PartialSuccess } from "./otlp-answer.ts";

export interface ExportDeps {
  readonly intake: Intake;
  readonly recorder: Recorder;
  readonly reader: RequestReader;
  readonly rules: FeatureRules;
  readonly mappings: MappingBook;
  readonly counters: AgentCounters;
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
    // The answer does not say that they are not used: SDKs take a warning for a failure, again with each export.
    if (body.length > 0) mustBeRequest(encoding, body);
    deps.counters.tookMetrics();
    return null;
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
  return { rejected: deadLetterCount(outcome), message };
}

/** What is not used must be a request all the same: whoever sends something else hears of it. */
function mustBeRequest(encoding: OtlpEncoding, body: Buffer): void {
  if (encoding === "protobuf") mustBeMessage(body);
  else jsonObject(body.toString("utf8"));
}

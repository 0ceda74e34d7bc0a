/** `capture` of a model, ready for the recorder: the document's word, the agent's own settings where it has none. */
import {
  type CaptureSettings,
  type RecordRate,
  recordRate,
} from "../../contract/capture-settings.ts";
import { storedWeight } from "./record-weight.ts";
import { keptBelow } from "./sample-hash.ts";

export interface CaptureRules {
  /** Ids with a smaller hash are kept; 2^32 keeps all. */
  readonly keptBelow: number;
  /** Of what was kept by its hash. */
  readonly weight: number;
  readonly keepsErrors: boolean;
  /** Null: as many as come. */
  readonly rate: RecordRate | null;
  readonly recordBytesMax: number;
}

export function captureRules(own: CaptureSettings, byDefault: CaptureSettings): CaptureRules {
  const { sample = 1, keep, rate, record } = { ...byDefault, ...withoutGaps(own) };
  return {
    keptBelow: keptBelow(sample),
    weight: storedWeight(1 / sample),
    keepsErrors: keep === "errors",
    rate: rate === undefined ? null : recordRate(rate),
    recordBytesMax: record ?? Number.POSITIVE_INFINITY,
  };
}

function withoutGaps(settings: CaptureSettings): CaptureSettings {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}

/** What of one model's records passes: its sample, its rate, its largest record. */
import type { Outcome } from "../outcome.ts";
import type { RecordRow } from "../record-row.ts";
import type { CaptureRules } from "./capture-rules.ts";
import { type Bucket, ModelRates } from "./model-rates.ts";
import { storedWeight } from "./record-weight.ts";
import { HASHES, sampleHash } from "./sample-hash.ts";

export class CaptureGate {
  private readonly rates = new ModelRates();
  private model = "";
  private rules: CaptureRules;
  private bucket: Bucket | null = null;

  constructor(rules: CaptureRules) {
    this.rules = rules;
  }

  /** Begins a request. */
  begin(): void {
    this.rates.begin();
  }

  /** The open request is taken back, and may be read again. */
  giveBack(): void {
    this.rates.giveBack();
  }

  /** The model whose records come next. */
  open(model: string, rules: CaptureRules, nowMs: number): void {
    this.model = model;
    this.rules = rules;
    this.bucket = rules.rate === null ? null : this.rates.bucketOf(model, rules.rate, nowMs);
  }

  get recordBytesMax(): number {
    return this.rules.recordBytesMax;
  }

  /** By the id alone: what one agent keeps all keep. */
  isSampled({ idBytes, idStart, idEnd }: RecordRow): boolean {
    const { keptBelow } = this.rules;
    return keptBelow >= HASHES || sampleHash(idBytes, idStart, idEnd) < keptBelow;
  }

  /** Predictions that the row stands for; 0: it is not kept, and counted. */
  keptWeight(row: RecordRow, outcome: Outcome): number {
    const { rules, bucket } = this;
    const mustBeKept = row.error !== 0 && rules.keepsErrors;
    if (!mustBeKept && !this.isSampled(row)) {
      outcome.sampledOut++;
      return 0;
    }
    if (bucket !== null && !this.rates.take(bucket)) {
      outcome.shed.set(this.model, (outcome.shed.get(this.model) ?? 0) + 1);
      return 0;
    }
    const weight = mustBeKept ? row.weight : row.weight * rules.weight;
    return weight === 1 ? 1 : storedWeight(weight);
  }
}

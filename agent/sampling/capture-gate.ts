/** What of one model's records passes: its sample, its rate, what a spool that fills leaves of it, its largest record. */
import { LIMITS } from "../../contract/limits.ts";
import type { Outcome } from "../outcome.ts";
import type { RecordRow } from "../record-row.ts";
import type { CaptureRules } from "./capture-rules.ts";
import { type Bucket, ModelRates } from "./model-rates.ts";
import { storedWeight } from "./record-weight.ts";
import { HASHES, sampleHash } from "./sample-hash.ts";
import { NOTHING_SHED, type Shedding } from "./shedding.ts";

export class CaptureGate {
  private readonly rates = new ModelRates();
  private model = "";
  private rules: CaptureRules;
  private bucket: Bucket | null = null;
  private shedding: Shedding = NOTHING_SHED;

  constructor(rules: CaptureRules) {
    this.rules = rules;
  }

  /** Begins a request. @param shedding what is given up while it is read */
  begin(shedding: Shedding): void {
    this.shedding = shedding;
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
    const weight = mustBeKept ? row.weight : this.thinnedWeight(row);
    if (weight === 0) {
      outcome.thinned.set(this.model, (outcome.thinned.get(this.model) ?? 0) + 1);
      return 0;
    }
    if (bucket !== null && !this.rates.take(bucket)) {
      outcome.shed.set(this.model, (outcome.shed.get(this.model) ?? 0) + 1);
      return 0;
    }
    return weight === 1 ? 1 : storedWeight(weight);
  }

  /**
   * Predictions that a row of the model's sample stands for; 0: the spool fills, and it is not one of those that are still
   * kept. Shares are nested: what is kept at one is kept at every larger one, by every agent.
   */
  private thinnedWeight({ weight, idBytes, idStart, idEnd }: RecordRow): number {
    const { keptBelow, weight: ownWeight } = this.rules;
    const share = 2 ** this.shedding.halvings;
    const whole = weight * ownWeight * share;
    // A weight that cannot be stored would tell of fewer predictions than there were.
    if (share === 1 || whole > LIMITS.recordWeightMax) return weight * ownWeight;
    return sampleHash(idBytes, idStart, idEnd) < keptBelow / share ? whole : 0;
  }
}

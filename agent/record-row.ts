/** The registers of the one record that is being read: texts as interned ids (0: none), numbers as they are (NaN: none). */

const NO_BYTES = Buffer.alloc(0);
const ID_SCRATCH_BYTES = 1_024;

export class RecordRow {
  model = 0;
  version = 0;
  /** The id's bytes are `idBytes[idStart .. idEnd)`. */
  idBytes: Buffer = NO_BYTES;
  idStart = 0;
  idEnd = 0;
  /** The id was there, but cannot be a text. */
  idInvalid = false;
  /** 0: not given, which means the model's clock; NaN: given, not a time. */
  timeMs = 0;
  label = 0;
  score = Number.NaN;
  value = Number.NaN;
  latency = Number.NaN;
  error = 0;
  source = 0;
  revision = 0;
  predictionTimeMs = Number.NaN;
  /** Predictions that this one stands for, by whoever sampled before us. */
  weight = 1;
  private readonly scratch = Buffer.alloc(ID_SCRATCH_BYTES);

  clear(): void {
    this.model = 0;
    this.version = 0;
    this.idBytes = NO_BYTES;
    this.idStart = 0;
    this.idEnd = 0;
    this.idInvalid = false;
    this.timeMs = 0;
    this.label = 0;
    this.score = Number.NaN;
    this.value = Number.NaN;
    this.latency = Number.NaN;
    this.error = 0;
    this.source = 0;
    this.revision = 0;
    this.predictionTimeMs = Number.NaN;
    this.weight = 1;
  }

  setId(text: string): void {
    this.idBytes = this.scratch;
    this.idStart = 0;
    this.idEnd = this.scratch.write(text.toWellFormed().slice(0, ID_SCRATCH_BYTES / 3));
  }
}

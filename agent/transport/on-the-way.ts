/** Bytes that were published and are not known to be stored, by frame. */
export class OnTheWay {
  /** In the order of their numbers, as they are published so. */
  private readonly bytesOf = new Map<number, number>();
  private sum = 0;

  get bytes(): number {
    return this.sum;
  }

  add(seq: number, bytes: number): void {
    this.drop(seq);
    this.bytesOf.set(seq, bytes);
    this.sum += bytes;
  }

  stored(through: number): void {
    for (const seq of this.bytesOf.keys()) {
      if (seq > through) break;
      this.drop(seq);
    }
  }

  /** From here on everything is published again. */
  forgetFrom(seq: number): void {
    for (const known of this.bytesOf.keys()) if (known >= seq) this.drop(known);
  }

  private drop(seq: number): void {
    this.sum -= this.bytesOf.get(seq) ?? 0;
    this.bytesOf.delete(seq);
  }
}

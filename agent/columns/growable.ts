/** Typed arrays that grow by doubling and are used again for the next frame: nothing is allocated per value. */

const INITIAL = 4_096;

export class GrowableFloat64 {
  private values = new Float64Array(INITIAL);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) this.grow();
    this.values[this.length++] = value;
  }

  /** A view that holds until the next push. */
  view(): Float64Array {
    return this.values.subarray(0, this.length);
  }

  /** The array with room for `count` values behind `length`, which whoever writes them then sets. */
  room(count: number): Float64Array {
    while (this.length + count > this.values.length) this.grow();
    return this.values;
  }

  private grow(): void {
    const larger = new Float64Array(this.values.length * 2);
    larger.set(this.values);
    this.values = larger;
  }
}

export class GrowableUint32 {
  private values = new Uint32Array(INITIAL);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) this.grow();
    this.values[this.length++] = value;
  }

  at(index: number): number {
    return this.values[index]!;
  }

  view(): Uint32Array {
    return this.values.subarray(0, this.length);
  }

  /** The array with room for `count` values behind `length`, which whoever writes them then sets. */
  room(count: number): Uint32Array {
    while (this.length + count > this.values.length) this.grow();
    return this.values;
  }

  private grow(): void {
    const larger = new Uint32Array(this.values.length * 2);
    larger.set(this.values);
    this.values = larger;
  }
}

/**
 * What a shard's owner knows of every spool: the last frame that it took and the last that is stored.
 * From a spool only the next seq is taken; that, and nothing else, keeps frames from being lost or doubled.
 */

export type Offer =
  | { readonly kind: "next" }
  /** Taken before. */
  | { readonly kind: "known" }
  /** Frames before it are missing; they must be sent again from `fromSeq`. */
  | { readonly kind: "ahead"; readonly fromSeq: number };

interface Position {
  taken: number;
  stored: number;
}

export class SpoolLedger {
  private readonly positions = new Map<string, Position>();

  constructor(storedThrough: Iterable<readonly [spool: string, seq: number]>) {
    for (const [spool, seq] of storedThrough)
      this.positions.set(spool, { taken: seq, stored: seq });
  }

  offer(spool: string, seq: number): Offer {
    const taken = this.takenThrough(spool);
    if (seq <= taken) return { kind: "known" };
    return seq === taken + 1 ? { kind: "next" } : { kind: "ahead", fromSeq: taken + 1 };
  }

  /** Only after `offer` said "next". */
  take(spool: string, seq: number): void {
    const position = this.positions.get(spool);
    if (position === undefined) this.positions.set(spool, { taken: seq, stored: 0 });
    else position.taken = seq;
  }

  markStored(spool: string, seq: number): void {
    const position = this.positions.get(spool);
    if (position === undefined) this.positions.set(spool, { taken: seq, stored: seq });
    else position.stored = Math.max(position.stored, seq);
  }

  /**
   * A spool says what it was told to be stored. More than we know of is so only when our tables are older
   * than that; what lies between cannot come back, so we go on behind it.
   * @returns the number of frames that are missing for ever
   */
  adopt(spool: string, storedThrough: number): number {
    const taken = this.takenThrough(spool);
    if (storedThrough <= taken) return 0;
    const known = this.positions.has(spool);
    this.positions.set(spool, { taken: storedThrough, stored: storedThrough });
    return known ? storedThrough - taken : 0;
  }

  takenThrough(spool: string): number {
    return this.positions.get(spool)?.taken ?? 0;
  }

  storedThrough(spool: string): number {
    return this.positions.get(spool)?.stored ?? 0;
  }

  spools(): Iterable<string> {
    return this.positions.keys();
  }
}

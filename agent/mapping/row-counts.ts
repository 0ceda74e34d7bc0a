/**
 * Rows of one request that come as records of their own under one id: the first keeps the id, the others become
 * `<id>/<row>`. A record that is read again, since its frame was full or its sender sent it again, is the same row.
 */
import { LIMITS } from "../../contract/limits.ts";

interface Request {
  /** Row by what tells its record apart. */
  readonly rows: Map<string, number>;
  /** Rows beyond those: they are counted, and new ones when they are read again. */
  more: number;
}

export class RowCounts {
  /** The oldest first. */
  private readonly requests = new Map<string, Request>();
  private rows = 0;
  /** Of the body that is being read. */
  private added: { readonly rows: Map<string, number>; readonly record: string }[] = [];

  /** Begins a body; until the next one, what it adds can be taken back. */
  begin(): void {
    this.added = [];
  }

  takeBack(): void {
    for (const { rows, record } of this.added) if (rows.delete(record)) this.rows--;
    this.added = [];
  }

  /** @param record what tells this record from the others of its request */
  rowOf(request: string, record: string): number {
    const known = this.requests.get(request) ?? this.open(request);
    const row = known.rows.get(record);
    if (row !== undefined) return row;
    if (known.rows.size >= LIMITS.tensorRowsMax) return known.rows.size + known.more++;
    const next = known.rows.size;
    known.rows.set(record, next);
    this.added.push({ rows: known.rows, record });
    this.rows++;
    this.forgetOldest(request);
    return next;
  }

  private open(request: string): Request {
    const begun = { rows: new Map<string, number>(), more: 0 };
    this.requests.set(request, begun);
    return begun;
  }

  private forgetOldest(butNot: string): void {
    for (const [oldest, { rows }] of this.requests) {
      if (this.rows <= LIMITS.rowCountsMax || oldest === butNot) return;
      this.requests.delete(oldest);
      this.rows -= rows.size;
    }
  }
}

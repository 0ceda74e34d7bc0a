/**
 * Rows of one request that come as records of their own under one id: the first keeps the id, the others become
 * `<id>/<row>`. A record that is read again, since its frame was full or its sender sent it again, is the same row.
 */
import { LIMITS } from "../../contract/limits.ts";

export class RowCounts {
  /** By request, then by what tells its records apart. */
  private readonly requests = new Map<string, Map<string, number>>();

  /** @param record what tells this record from the others of its request */
  rowOf(request: string, record: string): number {
    let rows = this.requests.get(request);
    if (rows === undefined) {
      rows = new Map();
      this.requests.set(request, rows);
      const [oldest] = this.requests.keys();
      if (this.requests.size > LIMITS.rowCountsMax && oldest !== undefined) {
        this.requests.delete(oldest);
      }
    }
    const known = rows.get(record);
    if (known !== undefined) return known;
    const row = rows.size;
    if (row < LIMITS.tensorRowsMax) rows.set(record, row);
    return row;
  }
}

/** The header in which a server tells what a statement read and wrote. */
import type { JobSummary } from "./engine-protocol.ts";

/** X-ClickHouse-Summary: numbers as strings, as a server writes them. */
export function renderSummary(summary: JobSummary, written: boolean): string {
  const { rowsRead, bytesRead, elapsedSeconds } = summary;
  return JSON.stringify({
    read_rows: String(rowsRead),
    read_bytes: String(bytesRead),
    written_rows: String(written ? rowsRead : 0),
    written_bytes: String(written ? bytesRead : 0),
    total_rows_to_read: "0",
    result_rows: String(written ? rowsRead : summary.resultRows),
    result_bytes: String(written ? bytesRead : 0),
    elapsed_ns: String(Math.round(elapsedSeconds * 1e9)),
  });
}

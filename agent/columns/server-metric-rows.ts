/** The `server_metrics` section of the frame that is being filled: few rows, so plain objects do. */
import type { FrameSection } from "../../contract/frame.ts";
import { buildServerMetricBlock } from "../../contract/payload-blocks.ts";
import type { ServerMetricRow } from "../../contract/server-metric.ts";

/** Of a row beside its texts: four numbers, and the indexes of six dictionaries. */
const ROW_BYTES = 56;
/** Bytes of UTF-8 that a UTF-16 unit takes at most. */
const UNIT_BYTES = 3;

export class ServerMetricRows {
  readonly rows: ServerMetricRow[] = [];
  bytesBound = 0;
  /** UTF-16 units of the models' names, once per row. */
  nameUnits = 0;

  add(row: ServerMetricRow): void {
    this.rows.push(row);
    this.count(row, 1);
  }

  truncate(rows: number): void {
    for (const row of this.rows.splice(rows)) this.count(row, -1);
  }

  /** Null without rows. */
  finish(): { readonly section: FrameSection; readonly payload: Uint8Array } | null {
    if (this.rows.length === 0) return null;
    const payload = buildServerMetricBlock(this.rows);
    let [fromMs, toMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const models = new Map<string, number>();
    for (const { model, ts } of this.rows) {
      fromMs = Math.min(fromMs, ts);
      toMs = Math.max(toMs, ts);
      models.set(model, (models.get(model) ?? 0) + 1);
    }
    const section: FrameSection = {
      table: "server_metrics",
      rows: this.rows.length,
      bytes: payload.length,
      fromMs,
      toMs,
      models: Object.fromEntries(models),
    };
    return { section, payload };
  }

  private count({ model, version, instance, part }: ServerMetricRow, times: 1 | -1): void {
    const units = model.length + version.length + instance.length + part.length;
    this.bytesBound += times * (ROW_BYTES + UNIT_BYTES * units);
    this.nameUnits += times * model.length;
  }
}

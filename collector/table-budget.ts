/**
 * What the tables may take of the disk. Over it nothing more is stored: frames wait in the streams, then in the agents'
 * spools, and nothing of them is lost (docs/back-pressure.md). What makes room goes on: retention, archiving, erasure.
 */
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Store } from "../store/client.ts";
import { bytesOfTables } from "../store/queries/storage.ts";
import { LIMITS } from "../contract/limits.ts";
import type { CollectorMetrics } from "./collector-metrics.ts";

export type Room = { readonly kind: "room" } | { readonly kind: "full"; readonly reason: string };

/**
 * Whether more may be stored. Once it may not, a part of the budget must come free before it may again: a merge that
 * ends would let one group in and no other.
 */
export function decideRoom(bytes: number, bytesMax: number, wasFull: boolean): Room {
  const allowed = wasFull ? bytesMax * (1 - LIMITS.tableBudgetFreedShare) : bytesMax;
  if (bytes < allowed) return { kind: "room" };
  const wanted = `under ${mebibytes(allowed)}${wasFull ? " again" : ""}`;
  return {
    kind: "full",
    reason: `nothing is stored as the tables must be ${wanted}: they take ${mebibytes(bytes)}. Raise DRIFTMEND_TABLE_BYTES_MAX, keep less (retention), or archive old days ("driftmend archive"); until then frames wait in streams and spools`,
  };
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

export interface TableBudgetDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: CollectorMetrics;
}

export class TableBudget {
  /** At the last look; null before the first. */
  bytes: number | null = null;
  /** Null: as much as the disk has. */
  readonly bytesMax: number | null;
  private room: Room = { kind: "room" };
  private readonly deps: TableBudgetDeps;

  constructor(bytesMax: number | null, deps: TableBudgetDeps) {
    this.bytesMax = bytesMax;
    this.deps = deps;
  }

  /** Null while rows are stored. */
  get reason(): string | null {
    return this.room.kind === "full" ? this.room.reason : null;
  }

  /** Looks now and then from here on. @returns what ends it */
  watch(): () => void {
    if (this.bytesMax === null) return () => undefined;
    return this.deps.clock.every(LIMITS.tableBudgetLookMs, () => this.look());
  }

  /** Resolves when a group may be stored, or when aborted. */
  async wait(abort: AbortSignal): Promise<void> {
    if (this.bytesMax === null) return;
    if (this.bytes === null) await this.look();
    while (this.room.kind === "full" && !abort.aborted) {
      await this.deps.clock.sleep(LIMITS.tableBudgetLookMs / 2, abort).catch(() => undefined);
    }
  }

  private async look(): Promise<void> {
    const { store, logger, metrics } = this.deps;
    try {
      const [sum] = await store.query(bytesOfTables, {});
      this.bytes = sum?.bytes ?? 0;
    } catch (error) {
      // Whoever stores meets the same error, and says so.
      logger.debug({ err: error }, "the size of the tables is not known");
      return;
    }
    metrics.tableBytes.set(this.bytes);
    const wasFull = this.room.kind === "full";
    this.room = decideRoom(this.bytes, this.bytesMax ?? Number.POSITIVE_INFINITY, wasFull);
    if (this.room.kind === "full" && !wasFull)
      logger.error({ bytes: this.bytes }, this.room.reason);
    if (this.room.kind === "room" && wasFull)
      logger.info({ bytes: this.bytes }, "the tables have room: rows are stored");
  }
}

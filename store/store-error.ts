/**
 * What the store's failures mean to callers: unreachable (nothing is known about what was sent), or
 * refused by the engine with its code. The engine's code is kept as the cause.
 */
import { ClickHouseError } from "@clickhouse/client";
import { DriftmendError } from "../contract/driftmend-error.ts";

/** `throwIf` in a statement: the fence of the collector. */
export const CODE_THROW_IF = 395;

/** Codes of ClickHouse after which the same statement may work later. */
const LATER: ReadonlySet<number> = new Set([
  159, // TIMEOUT_EXCEEDED
  164, // READONLY, while a replicated table starts
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  225, // NO_ZOOKEEPER
  236, // ABORTED, the engine is being shut down
  241, // MEMORY_LIMIT_EXCEEDED
  242, // TABLE_IS_READ_ONLY
  243, // NOT_ENOUGH_SPACE
  252, // TOO_MANY_PARTS
  285, // TOO_FEW_LIVE_REPLICAS
  319, // UNKNOWN_STATUS_OF_INSERT
  394, // QUERY_WAS_CANCELLED
  439, // CANNOT_SCHEDULE_TASK
  999, // KEEPER_EXCEPTION
]);

/** A full disk has many codes, by where the engine met it; its text is the system's. */
const DISK_FULL = /No space left on device|Disk quota exceeded|File too large|no(t enough)? space/i;

/** ClickHouse's code of a failure, or null when the engine did not answer. */
export function engineCodeOf(error: unknown): number | null {
  const cause = error instanceof DriftmendError ? error.cause : error;
  return cause instanceof ClickHouseError ? Number.parseInt(cause.code, 10) : null;
}

/** A failure of the client as an error of ours. `action` completes "Cannot …". */
export function storeError(action: string, cause: unknown): DriftmendError {
  if (cause instanceof DriftmendError) return cause;
  if (!(cause instanceof ClickHouseError)) {
    return new DriftmendError("store_unreachable", {
      retry: "later",
      message: `Cannot ${action} as ClickHouse must answer: ${describe(cause)}`,
      next: 'Check that ClickHouse runs and that its URL, user and password are right; "driftmend doctor" tries them.',
      cause,
    });
  }
  const code = Number.parseInt(cause.code, 10);
  const diskFull = DISK_FULL.test(cause.message);
  const later = diskFull || LATER.has(code);
  return new DriftmendError("store_refused", {
    retry: later ? "later" : "never",
    message: `Cannot ${action} as ClickHouse must accept it: code ${cause.code} (${cause.type ?? "unknown"}): ${cause.message}`,
    next: nextOf(diskFull, later),
    cause,
  });
}

function nextOf(diskFull: boolean, later: boolean): string {
  if (diskFull) {
    return "Free space on the disk of ClickHouse; agents keep what is not stored and it is tried again.";
  }
  return later
    ? "It is tried again; look at the load, the memory and the disk of ClickHouse when this stays."
    : "The statement or the schema is wrong for this ClickHouse; compare versions and run the migrations.";
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return "code" in cause ? `${String(cause.code)} ${cause.message}` : cause.message;
}

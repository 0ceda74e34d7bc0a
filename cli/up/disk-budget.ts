/**
 * One number for the disk, split over what fills it (docs/back-pressure.md). A frame lies in its agent's spool until its
 * rows are stored, so a spool holds a whole outage; of it the streams hold what is on its way. What is not handed out is
 * for merges, logs and models.
 */
import { LIMITS } from "../../contract/limits.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { formatBytes } from "../format.ts";
import type { SettingsByService } from "./settings-file.ts";

const SHARE = { tables: 0.6, spool: 0.2, streams: 0.08 } as const;
const GIB = 1024 ** 3;
const BYTES_MIN = 2 * GIB;

/**
 * Settings of the services for so many bytes; what a file of settings says itself holds.
 * @throws {DriftmendError} usage, where it is too little to work with
 */
export function splitDisk(bytes: number, shards: number = LIMITS.shards): SettingsByService {
  if (bytes < BYTES_MIN) {
    throw new DriftmendError("usage", {
      retry: "never",
      message: `Cannot start as --disk must be at least ${formatBytes(BYTES_MIN)}: it is ${formatBytes(bytes)}`,
      next: "Give it more, or leave --disk away: then the disk itself is the limit.",
    });
  }
  const share = (part: number): string => String(Math.floor(bytes * part));
  return {
    agent: { DRIFTMEND_SPOOL_BYTES_MAX: share(SHARE.spool) },
    collector: {
      DRIFTMEND_STREAM_BYTES: share(SHARE.streams / shards),
      DRIFTMEND_TABLE_BYTES_MAX: share(SHARE.tables),
    },
  };
}

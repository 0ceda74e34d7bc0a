/**
 * What a roll-out target can do. Every operation may be repeated: it says how things are to be, finds what
 * an earlier try left, and changes only what differs.
 */
import type { VersionShare } from "../journal/run-state.ts";
import type { ModelSignature } from "../judge/scoring-pool.ts";

/** A version's files as they are brought to the target. */
export interface StagedVersion {
  readonly version: string;
  /** Folder with `model.onnx` under any name and more. */
  readonly folder: string;
  readonly entry: string;
  readonly sha256: string;
}

/** Features of one recorded request. */
export type RecordedRow = Readonly<Record<string, number | string>>;

export interface Observation {
  /** Requests by the version that answered. */
  readonly answers: Readonly<Record<string, number>>;
  readonly requests: number;
}

export interface RolloutTarget {
  /** Brings the files of a version; nothing serves it yet. */
  stage(version: StagedVersion): Promise<void>;
  /** Shares as the target has them written down; null where nothing is. */
  shares(): Promise<readonly VersionShare[] | null>;
  /** Sets the shares and tells the server. @throws {DriftmendError} target_unreachable, target_refused */
  setShares(shares: readonly VersionShare[]): Promise<void>;
  /** Asks the server with recorded rows which version answers, until the shares are believed or refuted. */
  observe(
    rows: readonly RecordedRow[],
    signature: ModelSignature,
    shares: readonly VersionShare[],
  ): Promise<Observation>;
  /** Where the files of a version lie in the target; null where they cannot be read back. */
  versionFolder(version: string): string | null;
}

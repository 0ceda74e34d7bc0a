/**
 * Mends the hole that `kill -9` tears into exactly-once. A MergeTree without replication writes the
 * token of an insert into its deduplication log before it renames the part into place; killed in
 * between, the token is known, the part is not, and a replay is skipped for ever. Before the engine
 * opens the directory every such record is dropped, so that the replay stores the part.
 *
 * A log is lines "1|2 TAB part TAB block id": 1 adds, 2 drops. A part is
 * "partition_min_max_level[_mutation]".
 */
import { globSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";

export interface LogRecord {
  /** The line as it stands in its file. */
  readonly line: string;
  readonly operation: "add" | "drop" | "torn";
  readonly part: string;
}

export interface BlockRange {
  readonly partition: string;
  readonly min: number;
  readonly max: number;
}

export type RepairDecision =
  | { readonly kind: "intact"; readonly reason: string }
  | { readonly kind: "repair"; readonly drop: readonly LogRecord[]; readonly reason: string };

/**
 * Newest records that are dropped even below the highest visible block: with two writers, the other
 * one may have finished a later block within the microseconds that the killed one lacked.
 */
export const TAIL_RECORDS = 64;

/**
 * @param records of one table's log, oldest first
 * @param visible ranges of the parts that lie in the table's folder
 */
export function decideRepair(
  records: readonly LogRecord[],
  visible: readonly BlockRange[],
): RepairDecision {
  const byPartition = Map.groupBy(visible, (range) => range.partition);
  const dropped = new Set(records.filter((r) => r.operation === "drop").map((r) => r.part));
  const drop = records.filter((record, i) => {
    if (record.operation === "torn") return true;
    if (record.operation !== "add" || dropped.has(record.part)) return false;
    const range = parsePartName(record.part);
    if (range === undefined) return false;
    const parts = byPartition.get(range.partition) ?? [];
    if (parts.some((part) => part.min <= range.min && part.max >= range.max)) return false;
    const highest = parts.reduce((max, part) => Math.max(max, part.max), -1);
    return range.min > highest || i >= records.length - TAIL_RECORDS;
  });
  if (drop.length === 0) return { kind: "intact", reason: `${records.length} records, all stored` };
  const names = drop.map((record) => record.part || "torn line").join(", ");
  return { kind: "repair", drop, reason: `tokens without a part: ${names}` };
}

const PART_NAME = /^([^_]+)_(\d+)_(\d+)_\d+(?:_\d+)?$/;

/** The blocks of a part; undefined for temporary folders and whatever else lies beside parts. */
export function parsePartName(name: string): BlockRange | undefined {
  const match = PART_NAME.exec(name);
  if (match === null) return undefined;
  const [, partition = "", min, max] = match;
  return { partition, min: Number(min), max: Number(max) };
}

/** Reads one log file; a last line without its end was torn by the kill. */
export function parseLog(content: string): LogRecord[] {
  const lines = content.split("\n");
  const torn = lines.pop() ?? "";
  const records = lines.map((line): LogRecord => {
    const [operation, part = ""] = line.split("\t");
    const known = operation === "1" ? "add" : operation === "2" ? "drop" : "torn";
    return { line, operation: known, part };
  });
  return torn === "" ? records : [...records, { line: torn, operation: "torn", part: "" }];
}

export interface RepairReport {
  readonly logs: number;
  readonly repaired: readonly { readonly folder: string; readonly reason: string }[];
}

/** Repairs every table under the engine's directory. The engine must not be running. */
export async function repairDeduplicationLogs(engineDirectory: string): Promise<RepairReport> {
  const folders = globSync(join(engineDirectory, "{store,data}/*/*/deduplication_logs"));
  const repaired: { folder: string; reason: string }[] = [];
  for (const folder of folders) {
    const files = readdirSync(folder)
      .filter((name) => /^deduplication_log_\d+\.txt$/.test(name))
      .sort((a, b) => logNumber(a) - logNumber(b))
      .map((name) => join(folder, name));
    const logs = files.map((file) => ({ file, records: parseLog(readFileSync(file, "utf8")) }));
    const visible = readdirSync(dirname(folder))
      .map(parsePartName)
      .filter((range) => range !== undefined);
    const decision = decideRepair(
      logs.flatMap((log) => log.records),
      visible,
    );
    if (decision.kind === "intact") continue;
    const drop = new Set(decision.drop);
    for (const { file, records } of logs) {
      const kept = records.filter((record) => !drop.has(record));
      if (kept.length === records.length) continue;
      await writeFileAtomic(file, kept.map((record) => `${record.line}\n`).join(""));
    }
    repaired.push({ folder, reason: decision.reason });
  }
  return { logs: folders.length, repaired };
}

function logNumber(name: string): number {
  return Number(/\d+/.exec(name)?.[0] ?? 0);
}

/**
 * Keeps the tables behind the journal: after each change what differs is inserted again, and all of it at
 * the start or by command. Keys and revisions make every insert harmless to repeat; a store that is away
 * delays rows, never a run.
 */
import type { Logger } from "../../runtime/logger.ts";
import type { Store } from "../../store/client.ts";
import type { Journal } from "../journal/journal.ts";
import { versionStanding } from "../registry/version-status.ts";
import { auditTableRow, checkTableRow, runTableRow, versionTableRow } from "./rows.ts";

export interface Projector {
  /** Inserts what changed since the last time; answers the number of rows. */
  flush(): Promise<number>;
  /** Forgets what was inserted and inserts everything. */
  rebuild(): Promise<number>;
}

const TABLES = ["retraining_runs", "retraining_checks", "model_versions", "audit_log"] as const;
type Table = (typeof TABLES)[number];

export function createProjector(
  journal: Journal,
  deps: { readonly store: Store; readonly logger: Logger },
): Projector {
  let seen: Readonly<Record<Table, Map<string, string>>> = emptyMaps();
  let auditSeq = 0;
  let queue: Promise<number> = Promise.resolve(0);

  const flushNow = async (): Promise<number> => {
    // Every change of what is projected has its audit entry.
    if (auditSeq > 0 && journal.log.audit(auditSeq).length === 0) return 0;
    const { rows, lastSeq } = currentRows(journal, auditSeq);
    let inserted = 0;
    for (const table of TABLES) {
      const changed = rows[table].filter(({ key, state }) => seen[table].get(key) !== state);
      await deps.store.insert(
        table,
        changed.map(({ row }) => row),
      );
      for (const { key, state } of changed) seen[table].set(key, state);
      inserted += changed.length;
    }
    auditSeq = lastSeq;
    return inserted;
  };
  const enqueue = (work: () => Promise<number>): Promise<number> => {
    queue = queue.catch(() => 0).then(work);
    return queue;
  };
  return {
    flush: () => enqueue(flushNow),
    rebuild: () =>
      enqueue(() => {
        seen = emptyMaps();
        auditSeq = 0;
        return flushNow();
      }),
  };
}

interface ProjectedRow {
  readonly key: string;
  /** Equal states need no insert. */
  readonly state: string;
  readonly row: object;
}

const emptyMaps = (): Readonly<Record<Table, Map<string, string>>> => ({
  retraining_runs: new Map(),
  retraining_checks: new Map(),
  model_versions: new Map(),
  audit_log: new Map(),
});

function currentRows(
  journal: Journal,
  afterSeq: number,
): { rows: Readonly<Record<Table, readonly ProjectedRow[]>>; lastSeq: number } {
  const audit = [];
  let lastSeq = afterSeq;
  for (let page = journal.log.audit(lastSeq); page.length > 0; page = journal.log.audit(lastSeq)) {
    audit.push(...page);
    lastSeq = page.at(-1)?.seq ?? lastSeq;
  }
  const checks = journal.runs.checks(null);
  const reasons = new Map(checks.map(({ runId, reason }) => [runId, reason]));
  return {
    lastSeq,
    rows: {
      retraining_runs: journal.runs.list(null).map((row) => ({
        key: row.run.id,
        state: String(row.seq),
        row: runTableRow(row, reasons.get(row.run.id) ?? ""),
      })),
      retraining_checks: checks.map((check) => ({
        key: check.id,
        state: "",
        row: checkTableRow(check),
      })),
      model_versions: journal.registry.versions(null).map((record) => {
        const standing = versionStanding(journal, record.model, record.version);
        return {
          key: `${record.model}\n${record.version}`,
          state: JSON.stringify(standing),
          row: versionTableRow(record, standing, lastSeq),
        };
      }),
      audit_log: audit.map((entry) => ({
        key: String(entry.seq),
        state: entry.hash,
        row: auditTableRow(entry),
      })),
    },
  };
}

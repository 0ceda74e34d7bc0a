/** docs/tables.md: every table and column as the migrations describe them by COMMENT. */
import type { Migration } from "../store/migrate.ts";

interface Column {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
}

interface Table {
  readonly name: string;
  readonly comment: string;
  readonly columns: readonly Column[];
}

const COLUMN = /^ {2}(\w+) (.+?)(?: DEFAULT .+?)? COMMENT '((?:[^'\\]|\\.|'')*)'/gm;
const TABLE_COMMENT = /^COMMENT '((?:[^'\\]|\\.|'')*)'/m;

/** Tables for users' own SQL; the others are books of our own. */
const PUBLIC = new Set([
  "predictions",
  "labels",
  "outcomes",
  "feature_rollups",
  "model_rollups",
  "drift_results",
  "performance_results",
  "alerts",
  "changes",
  "quarantine",
  "retraining_runs",
  "model_versions",
  "audit_log",
  "dead_letters",
  "server_metrics",
]);

const STEP =
  /CREATE (TABLE|VIEW) IF NOT EXISTS (\w+) [^]*?;\n|^DROP TABLE IF EXISTS (\w+)|^EXCHANGE TABLES (\w+) AND (\w+)/gm;

/** Tables in the order of the migrations; later ones may drop some, and put another in one's place. */
export function tablesOf(migrations: readonly Pick<Migration, "text">[]): Table[] {
  const tables = new Map<string, Table>();
  for (const { text } of migrations) {
    for (const [statement, kind, created, dropped, one, other] of text.matchAll(STEP)) {
      if (created !== undefined) tables.set(created, tableOf(statement, kind, created));
      if (dropped !== undefined) tables.delete(dropped);
      const [a, b] = [tables.get(one ?? ""), tables.get(other ?? "")];
      if (a === undefined || b === undefined) continue;
      tables.set(a.name, { ...b, name: a.name });
      tables.set(b.name, { ...a, name: b.name });
    }
  }
  return [...tables.values()];
}

function tableOf(statement: string, kind: string | undefined, name: string): Table {
  return {
    name,
    comment: kind === "VIEW" ? viewComment(statement) : commentOf(statement),
    columns: [...statement.matchAll(COLUMN)].map(([, column = "", type = "", comment = ""]) => ({
      name: column,
      type,
      comment: unquote(comment),
    })),
  };
}

const commentOf = (statement: string): string => unquote(TABLE_COMMENT.exec(statement)?.[1] ?? "");

/** A view of tiers says which tables it unites. */
function viewComment(statement: string): string {
  const parts = [...statement.matchAll(/SELECT '(\w+)' AS (\w+), \* FROM (\w+)/g)];
  const grains = parts.map(([, grain, , table]) => `'${grain}' for \`${table}\``);
  return `View: the columns of the tables that it unites, after \`${parts[0]?.[2]}\` (${grains.join(", ")})`;
}

const unquote = (text: string): string => text.replaceAll("''", "'").replaceAll(/\\(.)/g, "$1");
const cell = (text: string): string => text.replaceAll("|", "\\|");

export function tablesPage(migrations: readonly Pick<Migration, "text">[]): string {
  const tables = tablesOf(migrations);
  const section = (title: string, chosen: readonly Table[]): string =>
    [`## ${title}`, ...chosen.map(tableSection)].join("\n\n");
  return (
    [
      "# Tables",
      "Generated from the comments in `store/migrations/` by `npm run docs`; edit them there. Times are UTC with milliseconds. Tables that say so are read with `FINAL`.",
      section(
        "For your own SQL and for Grafana",
        tables.filter(({ name }) => PUBLIC.has(name)),
      ),
      section(
        "Books of the services",
        tables.filter(({ name }) => !PUBLIC.has(name)),
      ),
      "",
    ]
      .join("\n\n")
      .trimEnd() + "\n"
  );
}

function tableSection(table: Table): string {
  const head = `### ${table.name}\n\n${table.comment}`;
  if (table.columns.length === 0) return head;
  const rows = table.columns.map(
    (column) => `| \`${column.name}\` | \`${cell(column.type)}\` | ${cell(column.comment)} |`,
  );
  return [head, "", "| column | type | |", "| --- | --- | --- |", ...rows].join("\n");
}

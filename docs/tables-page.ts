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

const CREATE = /CREATE (TABLE|VIEW) IF NOT EXISTS (\w+) [^]*?;\n/g;
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

const DROP = /^DROP TABLE IF EXISTS (\w+)/gm;

/** Tables in the order of the migrations; later ones may repeat none, and drop some. */
export function tablesOf(migrations: readonly Pick<Migration, "text">[]): Table[] {
  const dropped = new Set(
    migrations.flatMap(({ text }) => [...text.matchAll(DROP)].map(([, name]) => name)),
  );
  return allTablesOf(migrations).filter(({ name }) => !dropped.has(name));
}

function allTablesOf(migrations: readonly Pick<Migration, "text">[]): Table[] {
  return migrations.flatMap(({ text }) =>
    [...text.matchAll(CREATE)].map(([statement, kind, name = ""]) => ({
      name,
      comment: kind === "VIEW" ? viewComment(statement) : commentOf(statement),
      columns: [...statement.matchAll(COLUMN)].map(([, column = "", type = "", comment = ""]) => ({
        name: column,
        type,
        comment: unquote(comment),
      })),
    })),
  );
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

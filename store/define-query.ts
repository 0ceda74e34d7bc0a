/**
 * Named, typed SQL: the only way to the store. Parameters are bound as `{name:Type}` and checked by zod,
 * rows are checked by zod, and the name stands in the engine's log as `log_comment`.
 */
import type { z } from "zod";

export interface DefinedQuery<P extends z.ZodObject, R extends z.ZodType> {
  readonly kind: "query";
  readonly name: string;
  readonly params: P;
  readonly row: R;
  readonly sql: string;
}

export interface DefinedCommand<P extends z.ZodObject> {
  readonly kind: "command";
  readonly name: string;
  readonly params: P;
  readonly sql: string;
  /** May be sent again when the answer was lost: it says where things end, not how they move. */
  readonly repeatable: boolean;
}

/** An INSERT whose rows are in the request's body: Native blocks, or a file. */
export interface DefinedInsert<P extends z.ZodObject> {
  readonly kind: "insert";
  readonly name: string;
  readonly params: P;
  readonly sql: string;
}

const PLACEHOLDER = /\{(\w+):\s*([A-Z][^{}]*)\}/g;

/** A SELECT without FORMAT; `row` describes one row of the answer (see column-schemas.ts). */
export function defineQuery<P extends z.ZodObject, R extends z.ZodType>(definition: {
  readonly name: string;
  readonly params: P;
  readonly row: R;
  readonly sql: string;
}): DefinedQuery<P, R> {
  checkPlaceholders(definition);
  return { kind: "query", ...definition };
}

/** A statement without rows in either direction; `INSERT … SELECT` too. */
export function defineCommand<P extends z.ZodObject>(definition: {
  readonly name: string;
  readonly params: P;
  readonly sql: string;
  readonly repeatable: boolean;
}): DefinedCommand<P> {
  checkPlaceholders(definition);
  return { kind: "command", ...definition };
}

/** `INSERT … SELECT … FROM input('<structure>') … FORMAT Native`; see docs/architecture.md §4. `… FORMAT Parquet` for a file. */
export function defineInsert<P extends z.ZodObject>(definition: {
  readonly name: string;
  readonly params: P;
  readonly sql: string;
}): DefinedInsert<P> {
  checkPlaceholders(definition);
  return { kind: "insert", ...definition };
}

/** ClickHouse types of the placeholders in `sql`, by name. */
export function placeholdersOf(sql: string): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  for (const match of sql.matchAll(PLACEHOLDER)) types.set(match[1] ?? "", match[2] ?? "");
  return types;
}

/**
 * Parameter values as the client takes them: numbers for DateTime64 are milliseconds and become
 * seconds with three decimals, in arrays too.
 */
export function boundParams(
  definition: { readonly params: z.ZodObject; readonly sql: string },
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const parsed: Record<string, unknown> = definition.params.parse(given);
  const types = placeholdersOf(definition.sql);
  const bound: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parsed)) {
    bound[name] = (types.get(name) ?? "").includes("DateTime64") ? asSeconds(value) : value;
  }
  return bound;
}

function asSeconds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asSeconds);
  return typeof value === "number" ? (value / 1000).toFixed(3) : value;
}

function checkPlaceholders(definition: {
  readonly name: string;
  readonly params: z.ZodObject;
  readonly sql: string;
}): void {
  const inSql = new Set(placeholdersOf(definition.sql).keys());
  const inParams = new Set(Object.keys(definition.params.shape));
  const missing = [...inSql].filter((name) => !inParams.has(name));
  const unused = [...inParams].filter((name) => !inSql.has(name));
  if (missing.length === 0 && unused.length === 0) return;
  throw new TypeError(
    `Cannot define "${definition.name}" as placeholders and params must be the same: ` +
      `without a param: ${missing.join(", ") || "none"}; without a placeholder: ${unused.join(", ") || "none"}`,
  );
}

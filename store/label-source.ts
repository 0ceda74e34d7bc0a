/**
 * Statements of `labels.pull` before they run: as the engine itself understands them, and only what reads. The
 * collector's account may do everything, so each statement is judged by its syntax tree, as those of a
 * reading account are; beyond these it may read from the sources that an operator allows.
 */
import { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import type { Store } from "./client.ts";
import { placeholdersOf } from "./define-query.ts";
import { vetStatement } from "./embedded/vet-statement.ts";
import {
  type PullParams,
  formattedStatement,
  paramsFor,
  statementTree,
  tableFunctions,
} from "./queries/label-pull.ts";

/** Table functions that fetch from elsewhere and change nothing there. */
export const LABEL_SOURCES = [
  "azureBlobStorage",
  "deltaLake",
  "file",
  "gcs",
  "hdfs",
  "iceberg",
  "mongodb",
  "mysql",
  "odbc",
  "postgresql",
  "redis",
  "remote",
  "remoteSecure",
  "s3",
  "sqlite",
  "url",
] as const;

/**
 * @param allowed table functions, as named above
 * @returns the statement to run instead of `sql`
 * @throws {DriftmendError} label_pull_refused
 */
export async function vetLabelStatement(
  store: Store,
  sql: string,
  allowed: readonly string[],
  params: PullParams,
): Promise<string> {
  const [formatted] = await store.query(formattedStatement, { text: sql }).catch(engineRefused);
  const statement = formatted?.text.trim() ?? "";
  const unknown = [...placeholdersOf(statement).keys()].filter((name) => !(name in params));
  if (unknown.length > 0) {
    throw refused(`it has the placeholder {${unknown[0]}:…}, which has no value`);
  }
  const rows = await store
    .query(statementTree(statement), paramsFor(statement, params))
    .catch(engineRefused);
  const tree = rows.map(({ explain }) => explain).join("\n");
  const known = await store.query(tableFunctions, {});
  const names = new Set(known.map(({ name }) => name));
  const also = new Set(allowed.map((name) => name.toLowerCase()));
  const verdict = vetStatement(tree, statement, names, also);
  if (verdict.kind === "refused") throw refused(verdict.error.message);
  return statement;
}

/** A statement that reads Parquet files, of the engine's machine or of an object store. */
export function fileStatement(file: string): string {
  const quoted = `'${file.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  return /^(?:s3|https?):\/\//.test(file)
    ? `SELECT * FROM s3(${quoted}, 'Parquet')`
    : `SELECT * FROM file(${quoted}, 'Parquet')`;
}

/** The parts of the setting that allows sources. */
export const LabelSources = z
  .string()
  .prefault(LABEL_SOURCES.join(","))
  .transform((text) =>
    text
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  )
  .refine(
    (names) => names.every((name) => (LABEL_SOURCES as readonly string[]).includes(name)),
    `expected some of ${LABEL_SOURCES.join(", ")}`,
  );

/** Reading it is enough for the engine to find it wrong. */
function engineRefused(error: unknown): never {
  if (
    error instanceof DriftmendError &&
    error.code === "store_refused" &&
    error.retry === "never"
  ) {
    throw refused(error.message, error);
  }
  throw error;
}

/** What it reads from does not answer as it should: the engine says why. @throws always */
export function sourceFailed(error: unknown): never {
  if (!(error instanceof DriftmendError) || error.code !== "store_refused") throw error;
  throw new DriftmendError("label_pull_failed", {
    retry: "later",
    message: `Cannot pull labels as what they are pulled from must answer: ${error.message}`,
    next: "It is tried again; see whether the source is there, and whether its columns are prediction_id, label or value, and time.",
    cause: error,
  });
}

function refused(why: string, cause?: unknown): DriftmendError {
  return new DriftmendError("label_pull_refused", {
    retry: "never",
    message: `Cannot pull labels by this statement as it must be one that reads: ${why}`,
    next: "Correct labels.pull in the onboarding document; docs/labels.md says what a statement may do.",
    cause,
  });
}

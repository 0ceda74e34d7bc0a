/**
 * Puts unpacked rows of an archive back: those that are not there, so that it may be repeated and cut short anywhere.
 * Where rows are replaced by revisions, one that a newer has replaced since stays away.
 */
import { z } from "zod";
import { count } from "../column-schemas.ts";
import { defineCommand, defineQuery } from "../define-query.ts";
import { ERASED_ID, ERASED_PREDICTION, ID_SHA } from "./erasures.ts";
import {
  type ArchivedTable,
  type Column,
  PARQUET_SETTINGS,
  TABLE_SHAPES,
  contentOf,
  contentRow,
  rowHash,
} from "./archive.ts";

/** By which a row is replaced, in the tables whose rows are. */
const KEYS: Readonly<Partial<Record<ArchivedTable, string>>> = {
  labels: "model, id",
  outcomes: "model, ts, id",
};

const spanParams = { from: z.int(), to: z.int() };
const sinceParams = { since: z.int() };

/** What was erased after the file was written; `since` is that moment. */
const erasedIn = (table: ArchivedTable): string =>
  table === "predictions" ? ERASED_PREDICTION : `(id != '' AND ${ERASED_ID})`;

export function erasedOf(table: ArchivedTable, columns: readonly Column[], unpacked: string) {
  const erased = erasedIn(table);
  return {
    count: defineQuery({
      name: `erased rows of ${table} in an archive`,
      params: z.object(sinceParams),
      row: z.object({ rows: count }),
      sql: `SELECT count() AS rows FROM ${unpacked} WHERE ${erased}`,
    }),
    /** Labels and outcomes of a subject's predictions are known by their ids alone. */
    noteIds: defineCommand({
      name: "note ids that an archive holds of subjects",
      params: z.object({ ...sinceParams, asked: z.int() }),
      sql: `INSERT INTO erased_ids (model, id_sha, erasure, asked)
SELECT DISTINCT model, ${ID_SHA}, 'archive', {asked:DateTime64(3, 'UTC')} FROM ${unpacked} WHERE id != '' AND ${erased}`,
      repeatable: true,
    }),
    /** Of what stays. */
    content: defineQuery({
      name: `what stays of ${table} in an archive`,
      params: z.object(sinceParams),
      row: contentRow,
      sql: `${contentOf(columns, TABLE_SHAPES[table].time, unpacked)} WHERE NOT ${erased}`,
    }),
    rows: defineQuery({
      name: `archive ${table} again`,
      params: z.object(sinceParams),
      row: z.object({}),
      sql: `SELECT ${columns.map(({ name }) => name).join(", ")} FROM ${unpacked} WHERE NOT ${erased} ${PARQUET_SETTINGS}`,
    }),
  } as const;
}

export function restoreOf(table: ArchivedTable, columns: readonly Column[], unpacked: string) {
  const names = columns.map(({ name }) => name).join(", ");
  const derived = Object.entries(TABLE_SHAPES[table].derived);
  const missing = missingSql(table, columns, unpacked);
  return {
    /** Rows of the file that are not in the table. */
    count: defineQuery({
      name: `rows of ${table} to restore`,
      params: z.object({ ...spanParams, ...sinceParams }),
      row: z.object({ rows: count }),
      sql: `SELECT count() AS rows FROM (${missing})`,
    }),
    insert: defineCommand({
      name: `restore ${table}`,
      params: z.object({ ...spanParams, ...sinceParams }),
      sql: `INSERT INTO ${table} (${[names, ...derived.map(([name]) => name)].join(", ")})
SELECT ${[names, ...derived.map(([, expression]) => expression)].join(", ")} FROM (${missing})`,
      repeatable: true,
    }),
  } as const;
}

function missingSql(table: ArchivedTable, columns: readonly Column[], unpacked: string): string {
  const { time } = TABLE_SHAPES[table];
  const names = columns.map(({ name }) => name).join(", ");
  const span = `${time} >= {from:DateTime64(3, 'UTC')} AND ${time} < {to:DateTime64(3, 'UTC')}`;
  const kept = `(SELECT * FROM ${unpacked} WHERE NOT ${erasedIn(table)})`;
  const key = KEYS[table];
  if (key !== undefined) {
    // Unmatched keys have 0: any rank is above nothing.
    return `SELECT ${names} FROM ${kept} AS u
  LEFT JOIN (SELECT ${key}, max(rank) + 1 AS held FROM ${table} WHERE ${span} GROUP BY ${key}) AS h USING (${key})
  WHERE u.rank >= h.held`;
  }
  // Equal rows are told by their number: a request may well hold the same record twice.
  const numbered = (from: string): string =>
    `SELECT *, row_number() OVER (PARTITION BY row) AS nth FROM (SELECT ${names}, ${rowIdentity(columns)} AS row FROM ${from})`;
  return `SELECT ${names} FROM (${numbered(kept)})
  WHERE (row, nth) NOT IN (SELECT row, nth FROM (SELECT row, row_number() OVER (PARTITION BY row) AS nth
    FROM (SELECT ${rowIdentity(columns)} AS row FROM ${table} WHERE ${span})))`;
}

/** 128 bits, since rows are taken for equal by them. */
const rowIdentity = (columns: readonly Column[]): string =>
  rowHash(columns).replace("cityHash64", "sipHash128");

/** Predictions of a day beside what the rollups count, which is never forgotten. */
export const dayAgainstRollups = defineQuery({
  name: "a day's predictions and what rollups count",
  params: z.object(spanParams),
  row: z.object({ raw: count, rolled: count }),
  sql: `SELECT (SELECT toInt64(count()) FROM predictions WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts < {to:DateTime64(3, 'UTC')}) AS raw,
  (SELECT toInt64(sum(n)) FROM model_days WHERE time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')} AND segment_tag = '') AS rolled`,
});

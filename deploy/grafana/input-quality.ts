/** What is wrong with values as such, before any comparison: missing, not finite, never seen; and what is kept out. */
import { MISSING, NEW_CATEGORY, NOT_FINITE } from "./cell-value.ts";
import { BUCKET, IN_RANGE, THESE_VERSIONS, THIS_MODEL, THIS_SEGMENT } from "./conditions.ts";
import { curves, list } from "./panels.ts";

const INPUTS = `${THIS_MODEL} AND ${THESE_VERSIONS} AND ${THIS_SEGMENT} AND NOT startsWith(feature, '$')`;

const shareOf = (condition: string, name: string): string => `
      SELECT ${BUCKET} AS t, toString(r.feature) AS feature, sumIf(r.n, ${condition}) / sum(r.n) AS "${name}"
      FROM feature_rollups AS r WHERE ${INPUTS} AND ${IN_RANGE}
      GROUP BY t, feature ORDER BY t, feature`;

export const inputQuality = [
  curves({
    title: "Missing values",
    description: "Share of each feature's rows that lack it, though the model's grids know it.",
    unit: "percentunit",
    size: [8, 8],
    min: 0,
    softMax: 0.001,
    interval: "$grain",
    label: "feature",
    sql: shareOf(MISSING, "missing"),
  }),
  curves({
    title: "Values that are no number",
    description: "Share of each feature's rows that are NaN or infinite.",
    unit: "percentunit",
    size: [8, 8],
    min: 0,
    softMax: 0.001,
    interval: "$grain",
    label: "feature",
    sql: shareOf(NOT_FINITE, "not finite"),
  }),
  curves({
    title: "New categories",
    description:
      "Share of each categorical feature's rows whose category the model's grid does not know.",
    unit: "percentunit",
    size: [8, 8],
    min: 0,
    softMax: 0.001,
    interval: "$grain",
    label: "feature",
    sql: shareOf(NEW_CATEGORY, "new"),
  }),
  list({
    title: "Quarantine",
    description:
      "Rows that are kept out of data sets since their inputs were found to be broken. An open entry turns a due run into INVESTIGATE; `npx driftmend quarantine release` ends one by hand.",
    unit: "short",
    size: [24, 6],
    nothing: "nothing was quarantined in this time range",
    widths: { state: 90, columns: 160, "rows kept out": 120, id: 140 },
    words: { state: { open: "red", closed: "green", released: "blue" } },
    sql: `
      SELECT a.\`from\` AS "from", if(a.\`to\` > toDateTime64('2290-01-01 00:00:00', 3, 'UTC'), NULL, a.\`to\`) AS "to",
        multiIf(isNotNull(a.released), 'released', isNull("to"), 'open', 'closed') AS state,
        if(a.tag = '', 'all rows', concat(a.tag, ' = ', arrayStringConcat(a.values, ', '))) AS rows,
        arrayStringConcat(a.columns, ', ') AS columns, a.rows AS "rows kept out", a.reason AS reason, a.id AS id
      FROM quarantine AS a FINAL
      WHERE ${THIS_MODEL} AND a.\`from\` <= $__toTime_ms AND a.\`to\` >= $__fromTime_ms
      ORDER BY a.\`from\` DESC LIMIT 200`,
  }),
];

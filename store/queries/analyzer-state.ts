/** What the analyzer keeps: documents, checkpoints, alerts with what people did about them. */
import { z } from "zod";
import { count, json, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

/** Every document, retired ones too. */
export const documentsStored = defineQuery({
  name: "documents_stored",
  params: z.object({}),
  row: z.object({
    model: z.string(),
    status: z.enum(["active", "retired"]),
    document: json,
    updated: timeMs,
    by: z.string(),
    revision: count,
  }),
  sql: "SELECT model, status, document, updated, by, revision FROM models FINAL ORDER BY model",
});

export const checkpoints = defineQuery({
  name: "analyzer_checkpoints",
  params: z.object({}),
  row: z.object({ model: z.string(), through: timeMs, memory: json, revision: count }),
  sql: "SELECT model, through, memory, revision FROM analyzer_checkpoints FINAL",
});

const Alert = z.object({
  id: z.string(),
  model: z.string(),
  kind: z.string(),
  cause: z.string(),
  severity: z.string(),
  state: z.string(),
  from: timeMs,
  to: timeMs.nullable(),
  at: timeMs,
  title: z.string(),
  text: z.string(),
  revision: count,
  detail: json,
});
export type StoredAlert = z.infer<typeof Alert>;
const ALERT_COLUMNS =
  "id, model, kind, cause, severity, state, `from`, `to`, at, title, text, revision, detail";

/** Newest first, as they are stored. */
export const alertsOf = defineQuery({
  name: "alerts_of",
  params: z.object({
    /** Empty: all models. */
    model: z.string(),
    /** Empty: all states. */
    states: z.array(z.string()),
    limit: z.int(),
  }),
  row: Alert,
  sql: `SELECT ${ALERT_COLUMNS} FROM alerts FINAL
    WHERE ({model:String} = '' OR model = {model:String})
      AND (empty({states:Array(String)}) OR has({states:Array(String)}, state))
    ORDER BY \`from\` DESC, id LIMIT {limit:UInt32}`,
});

/** As people list them: what fires first, then the newest; without what was pending and told nobody. */
export const alertsListed = defineQuery({
  name: "alerts_listed",
  params: z.object({
    /** Empty: all models. */
    model: z.string(),
    /** Empty: all states. */
    states: z.array(z.string()),
    limit: z.int(),
  }),
  row: Alert.extend({
    /** Without the limit. */
    total: count,
  }),
  sql: `SELECT ${ALERT_COLUMNS}, count() OVER () AS total FROM alerts FINAL
    WHERE ({model:String} = '' OR model = {model:String})
      AND (empty({states:Array(String)}) OR has({states:Array(String)}, state))
      AND (state != 'resolved' OR JSONExtractRaw(detail, 'firedMs') NOT IN ('', 'null'))
    ORDER BY state = 'resolved', \`from\` DESC, id LIMIT {limit:UInt32}`,
});

/** What the list of models shows of the alerts that fire. */
export const firingAlerts = defineQuery({
  name: "firing_alerts",
  params: z.object({ limit: z.int() }),
  row: z.object({
    id: z.string(),
    model: z.string(),
    kind: z.string(),
    severity: z.string(),
    title: z.string(),
  }),
  sql: `SELECT id, model, kind, severity, title FROM alerts FINAL WHERE state = 'firing'
    ORDER BY \`from\` DESC, id LIMIT {limit:UInt32}`,
});

export const alertById = defineQuery({
  name: "alert_by_id",
  params: z.object({ id: z.string() }),
  row: Alert,
  sql: `SELECT ${ALERT_COLUMNS} FROM alerts FINAL WHERE id = {id:String}`,
});

export const alertActions = defineQuery({
  name: "alert_actions",
  params: z.object({ ids: z.array(z.string()) }),
  row: z.object({
    alert_id: z.string(),
    seq: count,
    action: z.enum(["acknowledge", "silence"]),
    by: z.string(),
    at: timeMs,
    until: timeMs.nullable(),
    reason: z.string(),
  }),
  sql: `SELECT alert_id, seq, action, by, at, until, reason FROM alert_actions FINAL
    WHERE has({ids:Array(String)}, alert_id) ORDER BY alert_id, seq`,
});

/** Changes made elsewhere around a span, of this model and of all. */
export const changesAround = defineQuery({
  name: "changes_around",
  params: z.object({ model: z.string(), fromMs: z.int(), toMs: z.int() }),
  row: z.object({
    id: z.string(),
    model: z.string(),
    time: timeMs,
    kind: z.string(),
    title: z.string(),
    url: z.string(),
    by: z.string(),
  }),
  sql: `SELECT id, model, time, kind, title, url, by FROM changes FINAL
    WHERE (model = '' OR model = {model:String})
      AND time >= {fromMs:DateTime64(3, 'UTC')} AND time < {toMs:DateTime64(3, 'UTC')}
    ORDER BY time LIMIT 100`,
});

/** Changes made elsewhere in a span, oldest first; of a model those of all models too, of none all there are. */
export const changesBetween = defineQuery({
  name: "changes_between",
  params: z.object({ model: z.string(), fromMs: z.int(), toMs: z.int(), limit: z.int() }),
  row: changesAround.row,
  sql: `SELECT * FROM (
      SELECT id, model, time, kind, title, url, by FROM changes FINAL
      WHERE ({model:String} = '' OR model = '' OR model = {model:String})
        AND time >= {fromMs:DateTime64(3, 'UTC')} AND time < {toMs:DateTime64(3, 'UTC')}
      ORDER BY time DESC LIMIT {limit:UInt32})
    ORDER BY time, id`,
});

/** What retraining decided lately: what an alert says about the loop. */
export const lastChecks = defineQuery({
  name: "last_checks",
  params: z.object({ model: z.string(), limit: z.int() }),
  row: z.object({ at: timeMs, decision: z.string(), reason: z.string() }),
  sql: `SELECT at, decision, reason FROM retraining_checks FINAL
    WHERE model = {model:String} ORDER BY at DESC LIMIT {limit:UInt32}`,
});

/** Quarantine entries, newest first. */
export const quarantineEntries = defineQuery({
  name: "quarantine_entries",
  params: z.object({ model: z.string(), id: z.string() }),
  row: z.object({
    id: z.string(),
    model: z.string(),
    tag: z.string(),
    values: z.array(z.string()),
    from: timeMs,
    to: timeMs,
    columns: z.array(z.string()),
    reason: z.string(),
    finding: json,
    rows: count,
    created: timeMs,
    released: timeMs.nullable(),
    revision: count,
  }),
  sql: `SELECT id, model, tag, values, \`from\`, \`to\`, columns, reason, finding, rows, created, released, revision
    FROM quarantine FINAL
    WHERE ({model:String} = '' OR model = {model:String}) AND ({id:String} = '' OR id = {id:String})
    ORDER BY \`from\` DESC, id LIMIT 1000`,
});

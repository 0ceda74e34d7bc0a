/** What an agent counted of records that came otherwise than their senders meant, and what to do about each. Pure. */
import { RECORD_ADVICE } from "../../agent/record-advice.ts";
import { formatCount } from "../format.ts";

export interface RecordFinding {
  readonly state: "warning";
  readonly detail: string;
  readonly next: string;
}

/** `totals` of the agent's /api/v1/self: "deadLetters.id_missing" → 12. Since its start. */
export function judgeRecords(totals: Readonly<Record<string, number>>): readonly RecordFinding[] {
  const count = (key: string): number => totals[key] ?? 0;
  const told = (rows: number, detail: string, next: string): readonly RecordFinding[] =>
    rows === 0 ? [] : [{ state: "warning", detail, next }];
  const reasons = Object.entries(totals)
    .filter(([key, rows]) => key.startsWith("deadLetters.") && rows > 0)
    .map(([key, rows]) => ({ reason: key.slice("deadLetters.".length), rows }))
    .toSorted((a, b) => b.rows - a.rows);
  const setAside = reasons.reduce((sum, { rows }) => sum + rows, 0);
  const unknown = count("records.unknown");
  const isAllUnknown = count("records.prediction") + setAside === 0;
  return [
    ...told(
      isAllUnknown ? unknown : 0,
      `${formatCount(unknown)} records of OTLP came, and none is a prediction`,
      "A prediction is a log record with the event name ml.prediction, or a span with ml.model.name and ml.prediction.id; other words need a mapping (docs/capture.md, docs/mapping.md)",
    ),
    ...told(
      setAside,
      `${records(setAside)} set aside: ${reasons.map(({ reason, rows }) => `${formatCount(rows)} ${reason}`).join(", ")}`,
      RECORD_ADVICE.setAside,
    ),
    ...told(
      count("dropped.attribute"),
      `SDKs dropped ${formatCount(count("dropped.attribute"))} attributes of ${formatCount(count("dropped.record"))} records before they came`,
      RECORD_ADVICE.dropped,
    ),
    ...told(
      count("values.skipped"),
      `${formatCount(count("values.skipped"))} values were not stored: lists, nested maps, a name twice, or too many of a record`,
      RECORD_ADVICE.skipped,
    ),
    ...told(
      count("events.orphan") + count("events.given_up"),
      `${records(count("events.orphan") + count("events.given_up"))} not completed: a request without its response, or a response without its request`,
      "The request logger must send both halves (mode: all) to this same agent within five minutes; a request that failed has no response",
    ),
    ...told(
      count("values.cut"),
      `${formatCount(count("values.cut"))} texts were cut`,
      RECORD_ADVICE.cut,
    ),
  ];
}

const records = (rows: number): string =>
  rows === 1 ? "1 record was" : `${formatCount(rows)} records were`;

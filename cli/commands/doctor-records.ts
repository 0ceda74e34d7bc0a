/** What an agent counted of records that came otherwise than their senders meant, and what to do about each. Pure. */
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
  return [
    ...told(
      setAside,
      `${records(setAside)} set aside: ${reasons.map(({ reason, rows }) => `${formatCount(rows)} ${reason}`).join(", ")}`,
      '"driftmend dead-letters list" shows samples; docs/capture.md says what each reason means',
    ),
    ...told(
      count("dropped.attribute"),
      `SDKs dropped ${formatCount(count("dropped.attribute"))} attributes of ${formatCount(count("dropped.record"))} records before they came`,
      "Send inputs as the map ml.features, or raise OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: SDKs keep 128 of a record",
    ),
    ...told(
      count("values.skipped"),
      `${formatCount(count("values.skipped"))} values were not stored: lists, nested maps, a name twice, or too many of a record`,
      '"driftmend tail <model>" shows what is left of a record; docs/capture.md says what can be stored',
    ),
    ...told(
      count("events.orphan") + count("events.given_up"),
      `${records(count("events.orphan") + count("events.given_up"))} not completed: a request without its response, or a response without its request`,
      "The request logger must send both halves (mode: all) to this same agent within five minutes; a request that failed has no response",
    ),
    ...told(
      count("values.cut"),
      `${formatCount(count("values.cut"))} texts were cut`,
      "Send descriptors of long texts (length, language) instead of the texts",
    ),
  ];
}

const records = (rows: number): string =>
  rows === 1 ? "1 record was" : `${formatCount(rows)} records were`;

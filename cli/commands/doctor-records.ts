/** What an agent counted of records that came otherwise than their senders meant, and what to do about each. Pure. */
import { LIMITS } from "../../contract/limits.ts";
import { RECORD_ADVICE } from "../../agent/record-advice.ts";
import { formatCount } from "../format.ts";

export interface RecordFinding {
  readonly state: "warning";
  readonly detail: string;
  readonly next: string;
}

/** A request with one of these may be sent again; its sender knows. */
const RETRIED = new Set([
  "spool_full",
  "disk_full",
  "disk_behind",
  "bodies_over_limit",
  "internal",
]);

/**
 * @param totals of the agent's /api/v1/self: "deadLetters.id_missing" → 12. Since its start
 * @param over models that sent more names of features than there is room for
 */
export function judgeRecords(
  totals: Readonly<Record<string, number>>,
  over: readonly string[] = [],
): readonly RecordFinding[] {
  const count = (key: string): number => totals[key] ?? 0;
  const told = (rows: number, detail: string, next: string): readonly RecordFinding[] =>
    rows === 0 ? [] : [{ state: "warning", detail, next }];
  const reasons = named(totals, "deadLetters.");
  const setAside = sumOf(reasons);
  const shed = named(totals, "shed.", ".rate_limited");
  const thinned = named(totals, "shed.", ".spool_filling");
  const refused = named(totals, "refused.").filter(({ name }) => !RETRIED.has(name));
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
      `${records(setAside)} set aside: ${namedText(reasons)}`,
      RECORD_ADVICE.setAside,
    ),
    ...told(
      sumOf(shed),
      `${records(sumOf(shed))} not kept, over the rate of their model: ${namedText(shed)}`,
      "Raise capture.rate in the model's document or DRIFTMEND_CAPTURE_RATE, or sample it (capture.sample), which loses nothing unseen; docs/sampling.md",
    ),
    ...told(
      sumOf(thinned),
      `${records(sumOf(thinned))} left out as the spool filled, as DRIFTMEND_SHED allows: ${namedText(thinned)}`,
      "Those kept stand for them (weights). Find what keeps rows from being stored: the collector's line here, or docs/back-pressure.md",
    ),
    ...told(
      sumOf(refused),
      `${formatCount(sumOf(refused))} requests were refused for good: ${namedText(refused)}`,
      "Their senders drop them: docs/errors.md says what each reason means",
    ),
    ...told(
      count("values.features_over_limit"),
      `${formatCount(count("values.features_over_limit"))} values were not stored: their models have more than ${formatCount(LIMITS.featuresPerModelMax)} names of features${over.length === 0 ? "" : ` (${over.join(", ")})`}`,
      "A sender makes names of values (an id, a time): send such values as one feature, or as a tag",
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

interface Named {
  readonly name: string;
  readonly rows: number;
}

/** What is counted under names between `before` and `after`, the most first. */
function named(
  totals: Readonly<Record<string, number>>,
  before: string,
  after = "",
): readonly Named[] {
  return Object.entries(totals)
    .filter(([key, rows]) => key.startsWith(before) && key.endsWith(after) && rows > 0)
    .map(([key, rows]) => ({ name: key.slice(before.length, key.length - after.length), rows }))
    .toSorted((a, b) => b.rows - a.rows);
}

const NAMES_TOLD = 10;
const sumOf = (all: readonly Named[]): number => all.reduce((sum, { rows }) => sum + rows, 0);
const namedText = (all: readonly Named[]): string =>
  all
    .slice(0, NAMES_TOLD)
    .map(({ name, rows }) => `${formatCount(rows)} ${name}`)
    .join(", ") + (all.length > NAMES_TOLD ? ", …" : "");

const records = (rows: number): string =>
  rows === 1 ? "1 record was" : `${formatCount(rows)} records were`;

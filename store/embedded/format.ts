/**
 * Formats and how their results can travel. The engine's stream emits each chunk as a whole
 * document, so only formats whose documents may be put one after another are streamed; all others
 * are written to a file by the engine and sent from there.
 */
const CONCATENABLE: ReadonlySet<string> = new Set([
  "JSONEachRow",
  "JSONLines",
  "JSONL",
  "NDJSON",
  "JSONStringsEachRow",
  "JSONCompactEachRow",
  "JSONCompactStringsEachRow",
  "TabSeparated",
  "TSV",
  "TabSeparatedRaw",
  "TSVRaw",
  "Raw",
  "TSKV",
  "CSV",
  "RowBinary",
  "Native",
  "MsgPack",
  "LineAsString",
  "RawBLOB",
  "Null",
]);

export function isConcatenable(format: string): boolean {
  return CONCATENABLE.has(format);
}

const FORMAT_NAME = /^[A-Za-z][A-Za-z0-9]{0,63}$/;

/** Only a name may enter a statement. */
export function isFormatName(name: string): boolean {
  return FORMAT_NAME.test(name);
}

/** Content-Type as a server sends it. */
export function contentTypeOf(format: string): string {
  if (format === "JSONEachRow" || /^(JSONL|JSONLines|NDJSON)$/.test(format)) {
    return "application/x-ndjson; charset=UTF-8";
  }
  if (format.startsWith("JSON")) return "application/json; charset=UTF-8";
  if (format.startsWith("CSV")) {
    const header = format.startsWith("CSVWithNames") ? "present" : "absent";
    return `text/csv; charset=UTF-8; header=${header}`;
  }
  if (/^(TSV|TabSeparated)/.test(format)) return "text/tab-separated-values; charset=UTF-8";
  if (/^(Native|RowBinary|Parquet|Arrow|ORC|MsgPack|Avro|Npy|BSON|Protobuf)/.test(format)) {
    return "application/octet-stream";
  }
  return "text/plain; charset=UTF-8";
}

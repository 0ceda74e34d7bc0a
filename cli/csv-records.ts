/** Records of CSV (RFC 4180) as pure functions. */

/** The fields of one CSV record (RFC 4180); the caller has joined lines inside quotes. */
export function csvFields(record: string): string[] {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/y;
  while (pattern.lastIndex <= record.length) {
    const match = pattern.exec(record);
    if (match === null) break;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (!match[0].endsWith(",")) break;
  }
  return fields;
}

/** Whether quotes are open at the end, so that the record goes on in the next line. */
export function isOpenRecord(record: string): boolean {
  return (record.split('"').length - 1) % 2 === 1;
}

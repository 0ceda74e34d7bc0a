/**
 * The few Native bytes that the engine does not make for us: clickhouse-go's greeting, and the
 * header of an empty result, without which Grafana has no columns.
 */

/** What clickhouse-go sends first on each connection, byte for byte. */
export const GO_HELLO = "SELECT displayName(), version(), revision(), timezone()";

/**
 * The greeting's answer as one block of revision 54460. It says revision 0, so that everything
 * after it is the engine's plain Native.
 */
export function renderGoHello(server: { name: string; version: string; timezone: string }): Buffer {
  const blockInfo = Buffer.from("010002ffffffff00", "hex");
  const column = (name: string, type: string, data: Buffer): Buffer =>
    Buffer.concat([varString(name), varString(type), Buffer.of(0), data]);
  return Buffer.concat([
    blockInfo,
    varUint(4),
    varUint(1),
    column("displayName()", "String", varString(server.name)),
    column("version()", "String", varString(server.version)),
    column("revision()", "UInt32", Buffer.alloc(4)),
    column("timezone()", "String", varString(server.timezone)),
  ]);
}

/** A block of no rows that names its columns. */
export function renderNativeHeader(columns: readonly { name: string; type: string }[]): Buffer {
  const pairs = columns.flatMap(({ name, type }) => [varString(name), varString(type)]);
  return Buffer.concat([varUint(columns.length), varUint(0), ...pairs]);
}

function varString(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([varUint(bytes.length), bytes]);
}

function varUint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

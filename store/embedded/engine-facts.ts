/** What the endpoint must know of the running engine, asked once at start. */
import type { Session } from "chdb";

export interface EngineFacts {
  readonly version: string;
  readonly timezone: string;
  /** Every name in system.settings. */
  readonly settings: ReadonlySet<string>;
  readonly tableFunctions: ReadonlySet<string>;
  readonly compressByDefault: boolean;
}

export async function readEngineFacts(session: Session): Promise<EngineFacts> {
  const rows = async (sql: string): Promise<string[]> => {
    const result = await session.queryAsync(sql, { format: "TSVRaw" });
    return result.text().trimEnd().split("\n");
  };
  const [version = "", timezone = "", compress = ""] = await rows(
    "SELECT arrayJoin([version(), timezone(), toString(getSetting('enable_http_compression'))])",
  );
  return {
    version,
    timezone,
    settings: new Set(await rows("SELECT name FROM system.settings")),
    tableFunctions: new Set(await rows("SELECT name FROM system.table_functions")),
    compressByDefault: compress === "1" || compress === "true",
  };
}

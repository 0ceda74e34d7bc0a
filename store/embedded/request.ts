/**
 * One HTTP request as ClickHouse's interface means it: which names are its own, which are
 * parameters of the query, and that all others are settings. Pure; text from outside is checked
 * where it is used.
 */
export interface Credentials {
  readonly user: string | undefined;
  readonly password: string;
}

export type Lane = "live" | "backlog";

export interface EndpointRequest {
  readonly query: string;
  readonly database: string | undefined;
  readonly defaultFormat: string | undefined;
  readonly queryId: string | undefined;
  readonly session:
    | { readonly id: string; readonly timeoutSeconds: number; readonly mustExist: boolean }
    | undefined;
  /** Values of `{name:Type}`, in the escaped form in which HTTP carries them. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<string, string>;
  readonly waitForEnd: boolean;
  readonly goRevision: number;
  /** Which writer's queue; a server ignores the header. */
  readonly lane: Lane | undefined;
  /** "1" where frames of the native protocol were asked for, which this endpoint does not speak. */
  readonly nativeCompression: boolean;
}

export interface Headers {
  readonly [name: string]: string | string[] | undefined;
}

/** The header that picks a writer; anything but "backlog" is the live one. */
export const LANE_HEADER = "x-driftmend-lane";

const OWN_NAMES: ReadonlySet<string> = new Set([
  "query",
  "user",
  "password",
  "database",
  "default_format",
  "query_id",
  "session_id",
  "session_timeout",
  "session_check",
  "close_session",
  "quota_key",
  "stacktrace",
  "compress",
  "decompress",
  "buffer_size",
  "wait_end_of_query",
  "client_protocol_version",
  "role",
]);

/** @param fields of the URL, then those of a multipart body; later ones win */
export function readRequest(
  fields: Iterable<readonly [string, string]>,
  headers: Headers,
): EndpointRequest {
  const own = new Map<string, string>();
  const parameters = new Map<string, string>();
  const settings = new Map<string, string>();
  for (const [name, value] of fields) {
    if (OWN_NAMES.has(name)) own.set(name, value);
    else if (name.startsWith("param_")) parameters.set(name.slice("param_".length), value);
    else settings.set(name, value);
  }
  const sessionId = own.get("session_id");
  return {
    query: own.get("query") ?? "",
    database: nonEmpty(own.get("database") ?? header(headers, "x-clickhouse-database")),
    defaultFormat: nonEmpty(header(headers, "x-clickhouse-format") ?? own.get("default_format")),
    queryId: nonEmpty(own.get("query_id")),
    session:
      sessionId === undefined || sessionId === ""
        ? undefined
        : {
            id: sessionId,
            timeoutSeconds: Number(own.get("session_timeout") ?? "60"),
            mustExist: own.get("session_check") === "1",
          },
    parameters,
    settings,
    waitForEnd: own.get("wait_end_of_query") === "1",
    goRevision: Number(own.get("client_protocol_version") ?? "0") || 0,
    lane: laneOf(header(headers, LANE_HEADER)),
    nativeCompression: own.get("compress") === "1" || own.get("decompress") === "1",
  };
}

/** Who is asking: Basic authorization, ClickHouse's own headers, or the URL, in that order. */
export function readCredentials(url: URLSearchParams, headers: Headers): Credentials {
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header(headers, "authorization") ?? "")?.[1];
  if (basic !== undefined) {
    const text = Buffer.from(basic, "base64").toString("utf8");
    const colon = text.indexOf(":");
    if (colon >= 0) return { user: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  const user = header(headers, "x-clickhouse-user") ?? url.get("user") ?? undefined;
  const password = header(headers, "x-clickhouse-key") ?? url.get("password") ?? "";
  return { user, password };
}

export function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function laneOf(value: string | undefined): Lane | undefined {
  return value === "backlog" || value === "live" ? value : undefined;
}

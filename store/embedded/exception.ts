/**
 * Errors as ClickHouse clients know them: a code, a name and a text. The engine's own are read from
 * its text (its streams carry no code); the endpoint's own use the codes a server uses for the same
 * thing.
 */
export class EngineException extends Error {
  override readonly name = "EngineException";
  readonly code: number;
  /** The upper-case name of the code, as in system.errors. */
  readonly type: string;

  constructor(code: number, type: string, message: string) {
    super(message);
    this.code = code;
    this.type = type;
  }
}

/** Errors that the endpoint itself raises, by the name that ClickHouse gives them. */
const OWN = {
  BAD_ARGUMENTS: 36,
  NOT_IMPLEMENTED: 48,
  SYNTAX_ERROR: 62,
  UNKNOWN_FORMAT: 73,
  UNKNOWN_SETTING: 115,
  READONLY: 164,
  REQUIRED_PASSWORD: 194,
  TOO_MANY_SIMULTANEOUS_QUERIES: 202,
  QUERY_IS_TOO_LARGE: 229,
  MEMORY_LIMIT_EXCEEDED: 241,
  NOT_ENOUGH_SPACE: 243,
  CANNOT_DECOMPRESS: 271,
  TOO_MANY_BYTES: 307,
  INTO_OUTFILE_NOT_ALLOWED: 358,
  SESSION_NOT_FOUND: 372,
  SESSION_IS_LOCKED: 373,
  QUERY_WAS_CANCELLED: 394,
  ACCESS_DENIED: 497,
  AUTHENTICATION_FAILED: 516,
  UNKNOWN_EXCEPTION: 1002,
} as const;

export type OwnException = keyof typeof OWN;

export function exception(type: OwnException, message: string): EngineException {
  return new EngineException(OWN[type], type, message);
}

const ENGINE_TEXT = /^Code: (\d+)\. DB::Exception: ([\s\S]*?)\s*\(([A-Z][A-Z0-9_]*)\)\s*$/;
const NESTED_TAIL = /\s*\(version [^)]*\)\.?\s*$/;

/**
 * Reads "Code: N. DB::Exception: text (NAME)"; the engine nests it into itself when it rethrows.
 */
export function parseEngineException(text: string): EngineException {
  const outer = ENGINE_TEXT.exec(text.trim());
  if (outer === null) return exception("UNKNOWN_EXCEPTION", text);
  const [, code = "1002", message = "", type = "UNKNOWN_EXCEPTION"] = outer;
  const inner = ENGINE_TEXT.exec(message.replace(NESTED_TAIL, ""));
  if (inner !== null && inner[1] === code) return parseEngineException(inner[0]);
  return new EngineException(Number(code), type, message.replace(NESTED_TAIL, ""));
}

/** What a server writes into the body of an error, without the final newline. */
export function renderException(error: EngineException, version: string): string {
  return `Code: ${error.code}. DB::Exception: ${error.message} (${error.type}) (version ${version})`;
}

const FORBIDDEN = [192, 193, 497, 512, 516];
const BAD_REQUEST = [
  6, 10, 15, 25, 26, 27, 36, 38, 41, 43, 44, 53, 54, 62, 72, 117, 167, 168, 223, 271, 321, 348, 376,
  427, 441, 508,
];
const NOT_FOUND = [46, 47, 50, 56, 60, 63, 73, 77, 78, 81, 115, 137, 511];
const UNAVAILABLE = [76, 202, 209, 439];

/**
 * The status a server answers for a code (its exceptionCodeToHTTPStatus), and 503 for a queue that
 * is full, so that a caller's back-off sees what it is.
 */
export function httpStatusOf(code: number): number {
  if (code === 194) return 401;
  if (FORBIDDEN.includes(code)) return 403;
  if (BAD_REQUEST.includes(code)) return 400;
  if (NOT_FOUND.includes(code)) return 404;
  if (code === 229) return 413;
  if (code === 48) return 501;
  if (code === 159) return 408;
  if (code === 381) return 411;
  return UNAVAILABLE.includes(code) ? 503 : 500;
}

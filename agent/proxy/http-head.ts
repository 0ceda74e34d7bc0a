/**
 * Heads of HTTP/1.1 messages (RFC 9112), read strictly: of what two readers could understand in two ways nothing is
 * understood. Pure.
 */
import type { Framing } from "./message-body.ts";

/** By name in lower case; of a name that came twice, the values with a comma between them (RFC 9110, 5.3). */
export type Headers = Readonly<Record<string, string>>;

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly headers: Headers;
  readonly framing: Framing;
}

export interface AnswerHead {
  readonly status: number;
  readonly headers: Headers;
  readonly framing: Framing;
}

const END = "\r\n";
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.[01]$/;
const STATUS_LINE = /^HTTP\/1\.[01] ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Control characters but the tab: for a reader that is less strict they may end a line, or be space. */
// oxlint-disable-next-line no-control-regex
const NO_VALUE = /[\0-\x08\n-\x1f\x7f]/;
const SPACE = 0x20;
const TAB = 0x09;
const METHOD_BYTES_MAX = 32;
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}(?: |$)/;
const VERSION = "HTTP/1.";
const LENGTH = /^\d{1,15}$/;

/** Whether these bytes may be the first of a request, or of an answer; of another protocol they must not be held. */
export const mayBeginRequest = (bytes: Buffer): boolean =>
  METHOD.test(bytes.toString("latin1", 0, METHOD_BYTES_MAX + 1));
export function mayBeginAnswer(bytes: Buffer): boolean {
  const begun = bytes.toString("latin1", 0, VERSION.length);
  return VERSION.startsWith(begun);
}

/** @param text in Latin-1, without the empty line at its end; null where it cannot be relied on */
export function readRequestHead(text: string): RequestHead | null {
  const line = REQUEST_LINE.exec(firstLine(text));
  const headers = readHeaders(text);
  if (line === null || headers === null) return null;
  const framing = framingOf(headers, { kind: "none" });
  const [, method = "", target = ""] = line;
  // What follows a CONNECT is no HTTP.
  if (framing === null || method === "CONNECT") return null;
  return { method, target, headers, framing };
}

/** @param method of the request that is answered; null where the head cannot be relied on */
export function readAnswerHead(text: string, method: string): AnswerHead | null {
  const line = STATUS_LINE.exec(firstLine(text));
  const headers = readHeaders(text);
  if (line === null || headers === null) return null;
  const status = Number(line[1]);
  const isBare = method === "HEAD" || status < 200 || status === 204 || status === 304;
  const framing: Framing | null = isBare
    ? { kind: "none" }
    : framingOf(headers, { kind: "until-close" });
  return framing === null ? null : { status, headers, framing };
}

/**
 * A request's head for another server: its host, and its path under the server's own.
 * @param prefix "" or as "/models"
 */
export function addressedTo(text: string, host: string, prefix: string): string {
  const lines = text.split(END).map((line, i) => {
    if (i === 0) return prefix === "" ? line : line.replace(" /", () => ` ${prefix}/`);
    return /^host:/i.test(line) ? `${line.slice(0, 4)}: ${host}` : line;
  });
  return lines.join(END) + END + END;
}

function firstLine(text: string): string {
  const end = text.indexOf(END);
  return end === -1 ? text : text.slice(0, end);
}

function readHeaders(text: string): Headers | null {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  let at = text.indexOf(END);
  while (at !== -1) {
    const start = at + END.length;
    at = text.indexOf(END, start);
    const end = at === -1 ? text.length : at;
    const colon = text.indexOf(":", start);
    if (colon === -1 || colon > end) return null;
    const name = text.slice(start, colon);
    const value = withoutSpaceAround(text, colon + 1, end);
    if (!NAME.test(name) || NO_VALUE.test(value)) return null;
    const lower = name.toLowerCase();
    const before = headers[lower];
    headers[lower] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

/** RFC 9110, 5.6.3: no other space may be overlooked. */
function withoutSpaceAround(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

const isSpace = (code: number): boolean => code === SPACE || code === TAB;

/** RFC 9112, 6.3; null where lengths contradict each other or say what is not known here. */
function framingOf(headers: Headers, otherwise: Framing): Framing | null {
  const { "transfer-encoding": coding, "content-length": length } = headers;
  if (coding !== undefined) {
    return coding.toLowerCase() === "chunked" && length === undefined ? { kind: "chunked" } : null;
  }
  if (length === undefined) return otherwise;
  if (!LENGTH.test(length)) return null;
  const bytes = Number(length);
  return bytes === 0 ? { kind: "none" } : { kind: "length", bytes };
}

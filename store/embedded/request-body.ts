/**
 * The body of a request: its beginning, in which a statement is looked for, and its rest, which
 * goes to a file without being kept. An upload that breaks off throws, so that nothing of it is
 * ever inserted.
 */
import { type FileHandle, open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { exception } from "./exception.ts";

export interface SplitBody {
  /** At least the first `headBytesMax` bytes, or all there is. */
  readonly head: Buffer;
  readonly rest: AsyncIterator<Buffer, void>;
  /** True when `head` is the whole body. */
  readonly complete: boolean;
}

export async function readHead(body: Readable, headBytesMax: number): Promise<SplitBody> {
  const chunks: AsyncIterator<Buffer, void> = body[Symbol.asyncIterator]();
  const parts: Buffer[] = [];
  let size = 0;
  while (size < headBytesMax) {
    const next = await chunks.next();
    if (next.done === true) return { head: Buffer.concat(parts), rest: chunks, complete: true };
    parts.push(next.value);
    size += next.value.length;
  }
  return { head: Buffer.concat(parts), rest: chunks, complete: false };
}

/** Further bytes of a body, at least `bytesMax` of them or all. */
export async function readMore(body: SplitBody, bytesMax: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let size = 0; size < bytesMax; ) {
    const next = await body.rest.next();
    if (next.done === true) break;
    parts.push(next.value);
    size += next.value.length;
  }
  return Buffer.concat(parts);
}

const WRITE_BYTES = 1024 * 1024;

/**
 * Writes `first` and all of `rest` to a new file.
 * @returns its size
 * @throws {EngineException} TOO_MANY_BYTES when there are more than `bytesMax`
 */
export async function writeBody(
  path: string,
  first: Buffer,
  rest: AsyncIterator<Buffer, void>,
  bytesMax: number,
): Promise<number> {
  const file = await open(path, "wx", 0o600);
  try {
    let pending: Buffer[] = [first];
    let pendingBytes = first.length;
    let size = first.length;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      pending.push(next.value);
      pendingBytes += next.value.length;
      size += next.value.length;
      if (size > bytesMax) {
        throw exception(
          "TOO_MANY_BYTES",
          `The body of an INSERT may have at most ${bytesMax} bytes: split it`,
        );
      }
      if (pendingBytes < WRITE_BYTES) continue;
      await writeAll(file, pending);
      pending = [];
      pendingBytes = 0;
    }
    await writeAll(file, pending);
    return size;
  } finally {
    await file.close();
  }
}

/** A short write is how a disk says that it is full before it fails. */
async function writeAll(file: FileHandle, parts: readonly Buffer[]): Promise<void> {
  for (const part of parts) {
    for (let at = 0; at < part.length; ) {
      const { bytesWritten } = await file.write(part, at);
      at += bytesWritten;
    }
  }
}

/** Fields of a multipart/form-data body that hold text. @throws {EngineException} for files */
export function parseMultipart(body: Buffer, contentType: string): [string, string][] {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined)
    throw exception("BAD_ARGUMENTS", "A multipart body without a boundary");
  const sections = body.toString("latin1").split(`--${boundary}`).slice(1, -1);
  return sections.map((section) => {
    const blank = section.indexOf("\r\n\r\n");
    const head = section.slice(0, blank);
    const name = /name="([^"]*)"/i.exec(head)?.[1];
    if (blank < 0 || name === undefined) {
      throw exception("BAD_ARGUMENTS", "A part of the multipart body has no name");
    }
    if (/filename=/i.test(head)) {
      throw exception(
        "NOT_IMPLEMENTED",
        `External data ("${name}") is not supported by the embedded engine`,
      );
    }
    const value = section.slice(blank + 4, section.endsWith("\r\n") ? -2 : undefined);
    return [name, Buffer.from(value, "latin1").toString("utf8")];
  });
}

/**
 * Replies. Headers wait for the first chunk, so that an error before it is a proper error; an error
 * after it is framed with the tag that was announced and the connection is cut without its end,
 * since clients take a clean end for the whole result.
 */
import { once } from "node:events";
import { createReadStream, statSync } from "node:fs";
import type { ServerResponse } from "node:http";
import type { Transform, Writable } from "node:stream";
import type { Clock } from "../../runtime/clock.ts";
import { type Coding, createEncoder } from "./compression.ts";
import { type EngineException, httpStatusOf, renderException } from "./exception.ts";
import { contentTypeOf } from "./format.ts";

export interface ReplyShape {
  readonly format: string;
  readonly coding: Coding | undefined;
  /** 16 characters that the framed error of this reply carries. */
  readonly tag: string;
}

/** Headers of every successful reply. */
export function writeHeaders(response: ServerResponse, shape: ReplyShape): void {
  response.setHeader("Content-Type", contentTypeOf(shape.format));
  response.setHeader("X-ClickHouse-Format", shape.format);
  response.setHeader("X-ClickHouse-Exception-Tag", shape.tag);
}

/**
 * A reply that is known as a whole; an empty one is never compressed (clickhouse-go fails on it).
 */
export function sendWhole(response: ServerResponse, body: Buffer): void {
  response.setHeader("Content-Length", body.length);
  response.end(body);
}

/**
 * Sends chunks as they come. Resolves when all is sent; rejects with what `chunks` throws before
 * the first byte left, and with nothing after it (the error is then in the body).
 */
export async function sendChunks(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
  shape: ReplyShape,
  deps: { clock: Clock; describe: (error: unknown) => EngineException; version: string },
): Promise<{ bytes: number }> {
  let out: Writable | undefined;
  let encoder: Transform | undefined;
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      if (out === undefined) {
        writeHeaders(response, shape);
        ({ out, encoder } = openOutput(response, shape.coding));
      }
      bytes += chunk.length;
      if (!out.write(chunk)) await drained(out, response);
      if (response.destroyed) return { bytes };
    }
  } catch (error) {
    if (out === undefined) throw error;
    await cutWithError(
      response,
      out,
      encoder,
      frameError(deps.describe(error), shape.tag, deps.version),
      deps.clock,
    );
    return { bytes };
  }
  if (out === undefined) return { bytes };
  out.end();
  await Promise.race([once(response, "finish"), once(response, "close")]);
  return { bytes };
}

/** Sends a finished file. */
export async function sendFile(
  response: ServerResponse,
  path: string,
  shape: ReplyShape,
  deps: { clock: Clock; describe: (error: unknown) => EngineException; version: string },
): Promise<{ bytes: number }> {
  const { size } = statSync(path);
  if (size === 0) {
    writeHeaders(response, shape);
    sendWhole(response, Buffer.alloc(0));
    return { bytes: 0 };
  }
  if (shape.coding === undefined) response.setHeader("Content-Length", size);
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  return sendChunks(response, file, shape, deps);
}

export function sendException(
  response: ServerResponse,
  error: EngineException,
  version: string,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const name of ["Content-Encoding", "Content-Length", "X-ClickHouse-Format"]) {
    response.removeHeader(name);
  }
  response.statusCode = httpStatusOf(error.code);
  response.setHeader("Content-Type", "text/plain; charset=UTF-8");
  response.setHeader("X-ClickHouse-Exception-Code", error.code);
  if (response.statusCode === 401) {
    response.setHeader("WWW-Authenticate", 'Basic realm="ClickHouse server HTTP API"');
  }
  if (response.statusCode === 503) response.setHeader("Retry-After", "1");
  sendWhole(response, Buffer.from(`${renderException(error, version)}\n`));
}

const MARK = "__exception__";

/** The frame in which a server puts an error after the first byte of a result. */
export function frameError(error: EngineException, tag: string, version: string): Buffer {
  const message = `${renderException(error, version)}\n`;
  const length = Buffer.byteLength(message);
  return Buffer.from(`\r\n${MARK}\r\n${tag}\r\n${message}${length} ${tag}\r\n${MARK}\r\n`);
}

/** So that the frame is read before the connection is gone. */
const CUT_AFTER_MS = 50;

async function cutWithError(
  response: ServerResponse,
  out: Writable,
  encoder: Transform | undefined,
  frame: Buffer,
  clock: Clock,
): Promise<void> {
  out.write(frame);
  if (encoder !== undefined && "flush" in encoder && typeof encoder.flush === "function") {
    const flush = encoder.flush.bind(encoder);
    await Promise.race([
      new Promise<void>((resolve) => flush(() => resolve())),
      once(response, "close"),
    ]);
  }
  await clock.sleep(CUT_AFTER_MS);
  response.destroy();
}

function openOutput(
  response: ServerResponse,
  coding: Coding | undefined,
): { out: Writable; encoder: Transform | undefined } {
  if (coding === undefined) return { out: response, encoder: undefined };
  response.setHeader("Content-Encoding", coding);
  response.setHeader("Vary", "Accept-Encoding");
  const encoder = createEncoder(coding);
  encoder.on("error", () => response.destroy());
  response.on("close", () => encoder.destroy());
  encoder.pipe(response);
  return { out: encoder, encoder };
}

/** A client that has gone never drains: its closing ends the wait as well. */
async function drained(out: Writable, response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const done = new AbortController();
  try {
    await Promise.race([
      once(out, "drain", { signal: done.signal }),
      once(response, "close", { signal: done.signal }),
    ]);
  } finally {
    done.abort();
  }
}

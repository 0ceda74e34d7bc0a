/**
 * The body of a request, in memory and decompressed, of whichever door. Both sizes are limited, before and after;
 * buffers of bodies are used again, since each would be memory outside the heap that provokes collections.
 */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { gunzip, inflate, zstdDecompress } from "node:zlib";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import { freeBytes } from "../../runtime/buffer-memory.ts";
import { eachChunk } from "./each-chunk.ts";
import { bodyTooLarge, tooManyBodies } from "./refusals.ts";

const BUFFER_BYTES_MIN = 64 * 1024;
/** What one turn of a decompressing thread brings: a body of an exporter takes six of them. */
const CHUNK_BYTES = 64 * 1024;
/** A kept buffer of so many times what is needed would count as memory that nobody uses. */
const LOOSE_FIT = 4;

type Decompress = (
  bytes: Buffer,
  options: { readonly maxOutputLength: number; readonly chunkSize: number },
) => Promise<Buffer>;

/** By a name that clients send: a map, since an object knows "constructor" too. */
const DECOMPRESS: ReadonlyMap<string, Decompress> = new Map<string, Decompress>([
  ["gzip", promisify(gunzip)],
  ["x-gzip", promisify(gunzip)],
  ["deflate", promisify(inflate)],
  // Another name of it, which Collectors use.
  ["zlib", promisify(inflate)],
  ["zstd", promisify(zstdDecompress)],
]);

interface Waiting {
  readonly bytes: number;
  /** When it has waited long enough: those before it may have stalled. */
  readonly untilMs: number;
  readonly admit: () => void;
}

export class BodyReader {
  private readonly free: Buffer[] = [];
  private freeBytes = 0;
  private inFlightBytes = 0;
  /** Requests whose body is not read yet, the first to come first. */
  private readonly waiting: Waiting[] = [];
  private watching: Promise<void> | null = null;
  private readonly clock: Clock;
  /** Whether what was read before waits for the disk. */
  private readonly isBehind: () => boolean;

  constructor(clock: Clock, isBehind: () => boolean = () => false) {
    this.clock = clock;
    this.isBehind = isBehind;
  }

  /** The disk may have caught up. */
  wake(): void {
    this.admitNext();
  }

  /**
   * Reads the body and hands it to `use`, which must be done with it when it returns.
   * @throws {DriftmendError} body_too_large, encoding_unsupported, request_malformed, bodies_over_limit
   */
  async read<T>(request: IncomingMessage, use: (body: Buffer) => T): Promise<T> {
    const encoding = request.headers["content-encoding"]?.trim().toLowerCase() ?? "";
    const isPlain = encoding === "identity" || encoding === "";
    const decompress = DECOMPRESS.get(encoding);
    if (!isPlain && decompress === undefined) throw unsupportedEncoding(encoding);
    const announcedBytes = Number(request.headers["content-length"] ?? 0);
    const limits = { announcedBytes, bytesMax: LIMITS.requestBytesMax };
    const open = (body: Buffer): Buffer | Promise<Buffer> =>
      decompress === undefined || body.length === 0
        ? body
        : decompressed(decompress, encoding, body, LIMITS.requestBytesMax);
    return this.gather(request, limits, open, use);
  }

  /**
   * Puts the chunks of a body together, lets `open` make the body of them, and hands it to `use`, which must be done with
   * it when it returns.
   * @throws {DriftmendError} body_too_large, bodies_over_limit, or what `open` throws
   */
  async gather<T>(
    stream: Readable,
    { announcedBytes, bytesMax }: { readonly announcedBytes: number; readonly bytesMax: number },
    open: (bytes: Buffer) => Buffer | Promise<Buffer>,
    use: (body: Buffer) => T,
  ): Promise<T> {
    if (announcedBytes > bytesMax) throw bodyTooLarge(bytesMax);
    // What a client announces costs nothing until it comes.
    const firstBytes = Math.min(announcedBytes, LIMITS.bodyFirstBytesMax);
    if (this.isBusy(firstBytes)) await this.turn(firstBytes);
    let buffer = this.take(firstBytes);
    try {
      let length = 0;
      await eachChunk(stream, (chunk) => {
        if (length + chunk.length > bytesMax) throw bodyTooLarge(bytesMax);
        if (length + chunk.length > buffer.length) {
          const larger = this.take(
            Math.min(bytesMax, Math.max(2 * buffer.length, length + chunk.length)),
          );
          buffer.copy(larger, 0, 0, length);
          this.giveBack(buffer);
          buffer = larger;
        }
        chunk.copy(buffer, length);
        length += chunk.length;
        freeBytes(chunk);
      });
      const body = await open(buffer.subarray(0, length));
      try {
        return use(body);
      } finally {
        // What was decompressed has memory of its own, which requests that wait for the disk would keep.
        if (body.buffer !== buffer.buffer) freeBytes(body);
      }
    } finally {
      this.giveBack(buffer);
    }
  }

  private isBusy(bytes: number): boolean {
    const { inFlightBytes, waiting } = this;
    if (this.isBehind()) return true;
    if (inFlightBytes === 0) return false;
    return waiting.length > 0 || inFlightBytes + bytes > LIMITS.bodiesReadBytesMax;
  }

  /** Resolves when there is room, or when the request has waited long enough. */
  private turn(bytes: number): Promise<void> {
    const { promise, resolve: admit } = Promise.withResolvers<void>();
    const untilMs = this.clock.monotonicMs() + LIMITS.bodyWaitMsMax;
    this.waiting.push({ bytes, untilMs, admit });
    this.watching ??= this.admitLate();
    return promise;
  }

  /** One timer for all that wait: they are as many as requests where an agent is busy. */
  private async admitLate(): Promise<void> {
    const { waiting, clock } = this;
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const leftMs = first.untilMs - clock.monotonicMs();
      if (leftMs > 0) await clock.sleep(leftMs);
      else waiting.shift()?.admit();
    }
    this.watching = null;
  }

  /** Lets in as many of those that wait as there is room for; what they will take counts at once. */
  private admitNext(): void {
    if (this.isBehind()) return;
    let bytes = this.inFlightBytes;
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      if (bytes > 0 && bytes + first.bytes > LIMITS.bodiesReadBytesMax) return;
      bytes += Math.max(first.bytes, BUFFER_BYTES_MIN);
      this.waiting.shift();
      first.admit();
    }
  }

  private take(bytes: number): Buffer {
    const wanted = Math.max(bytes, BUFFER_BYTES_MIN);
    const index = this.free.findLastIndex(
      ({ length }) => length >= wanted && length <= LOOSE_FIT * wanted,
    );
    const size = this.free[index]?.length ?? wanted;
    if (this.inFlightBytes + size > LIMITS.bodiesInFlightBytesMax) throw tooManyBodies();
    this.inFlightBytes += size;
    const [found] = index === -1 ? [] : this.free.splice(index, 1);
    if (found !== undefined) this.freeBytes -= found.length;
    return found ?? Buffer.allocUnsafeSlow(size);
  }

  private giveBack(buffer: Buffer): void {
    this.inFlightBytes -= buffer.length;
    this.free.push(buffer);
    this.freeBytes += buffer.length;
    // Those that lie there longest are of a size that nobody asks for.
    while (this.freeBytes > LIMITS.bodiesKeptBytesMax) {
      const oldest = this.free.shift() ?? buffer;
      this.freeBytes -= oldest.length;
      freeBytes(oldest);
    }
    this.admitNext();
  }
}

/** What reads bodies of an encoding; undefined for one that is not known. */
export function decompressorOf(encoding: string): Decompress | undefined {
  return DECOMPRESS.get(encoding);
}

/** @throws {DriftmendError} body_too_large, request_malformed */
export async function decompressed(
  decompress: Decompress,
  encoding: string,
  bytes: Buffer,
  bytesMax: number,
): Promise<Buffer> {
  try {
    return await decompress(bytes, { maxOutputLength: bytesMax, chunkSize: CHUNK_BYTES });
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE") {
      throw bodyTooLarge(bytesMax);
    }
    throw new DriftmendError("request_malformed", {
      retry: "never",
      message: `Cannot decompress the body as "${encoding}", which its header says: ${String(cause)}`,
      next: "Send it as the header says.",
      cause,
    });
  }
}

export function unsupportedEncoding(encoding: string): DriftmendError {
  return new DriftmendError("encoding_unsupported", {
    retry: "never",
    message: `Cannot read what is compressed with "${encoding}"`,
    next: "Use gzip, deflate, zstd or none.",
  });
}

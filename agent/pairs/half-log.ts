/**
 * Halves on disk until the other one comes: a request logger sends each event once, so what was answered with
 * success must survive a crash. Append-only files, one fsync for all that come together; files are deleted when
 * nothing in them can find its other half any more. A pair that was spooled before a crash is made again from
 * here, and known by its digest.
 */
import { type FileHandle, mkdir, open, readFile, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import { type Half, HalfFacts } from "./half.ts";

const HEAD_BYTES = 12;
const SEGMENT_MS = 60_000;
const SEGMENT_BYTES = 64 * 1024 * 1024;
const NO_BODY = Buffer.alloc(0);

interface Segment {
  readonly path: string;
  readonly beganMs: number;
}

interface OpenFile {
  readonly segment: Segment;
  readonly handle: FileHandle;
  bytes: number;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly nowMs: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Says that a half has found its other one. */
const Met = z.strictObject({ met: z.string() });
const Entry = z.union([Met, HalfFacts]);

export class HalfLog {
  private readonly folder: string;
  private segments: Segment[];
  private file: OpenFile | null = null;
  private waiting: Waiting[] = [];
  private writing: Promise<void> | null = null;

  private constructor(folder: string, segments: Segment[]) {
    this.folder = folder;
    this.segments = segments;
  }

  /** Opens the log in `folder`, made if need be, with the halves that may still find their other one. */
  static async open(
    folder: string,
    nowMs: number,
  ): Promise<{ readonly log: HalfLog; readonly halves: readonly Half[] }> {
    await mkdir(folder, { recursive: true });
    const names = (await readdir(folder)).filter((name) => /^\d+\.halves$/.test(name)).toSorted();
    const segments = names.map((name) => ({
      path: join(folder, name),
      beganMs: Number.parseInt(name, 10),
    }));
    const found = new Map<string, Half>();
    for (const { path } of segments) readHalves(await readFile(path), found);
    const oldestMs = nowMs - LIMITS.pairWindowMs;
    return {
      log: new HalfLog(folder, segments),
      halves: [...found.values()].filter(({ cameMs }) => cameMs > oldestMs),
    };
  }

  /** Resolves when the half is on disk. */
  append({ body, ...facts }: Half): Promise<void> {
    return this.write(encode(facts, body), facts.cameMs);
  }

  /** Notes that a half has met its other one. Where a crash forgets it, the half waits in vain and is counted. */
  met(key: string, nowMs: number): void {
    this.write(encode({ met: key }, NO_BODY), nowMs).catch(() => undefined);
  }

  private write(bytes: Buffer, nowMs: number): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.waiting.push({ bytes, nowMs, resolve, reject });
    });
    this.writing ??= this.writeAll();
    return written;
  }

  /** Deletes files of which nothing can be paired any more. */
  async prune(nowMs: number): Promise<void> {
    const oldestMs = nowMs - LIMITS.pairWindowMs - SEGMENT_MS;
    const old = this.segments.filter((segment) => {
      return segment.beganMs < oldestMs && segment !== this.file?.segment;
    });
    this.segments = this.segments.filter((segment) => !old.includes(segment));
    for (const { path } of old) await unlink(path).catch(() => undefined);
  }

  async close(): Promise<void> {
    while (this.writing !== null) await this.writing;
    await this.file?.handle.close();
    this.file = null;
  }

  private async writeAll(): Promise<void> {
    // Whatever comes while the last ones are written shares the next fsync.
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        const file = await this.current(Math.max(...batch.map(({ nowMs }) => nowMs)));
        const bytes = Buffer.concat(batch.map((entry) => entry.bytes));
        await file.handle.appendFile(bytes);
        await file.handle.datasync();
        file.bytes += bytes.length;
        for (const { resolve } of batch) resolve();
      } catch (error) {
        // Half a record may stand at the end: the next one goes into another file.
        await this.file?.handle.close().catch(() => undefined);
        this.file = null;
        for (const { reject } of batch) reject(error);
      }
    }
    this.writing = null;
  }

  private async current(nowMs: number): Promise<OpenFile> {
    const { file } = this;
    const isYoung = file !== null && file.segment.beganMs > nowMs - SEGMENT_MS;
    if (isYoung && file.bytes < SEGMENT_BYTES) return file;
    await this.file?.handle.close();
    const last = this.segments.at(-1)?.beganMs ?? 0;
    const beganMs = Math.max(Math.floor(nowMs), last + 1);
    const segment = { path: join(this.folder, `${beganMs}.halves`), beganMs };
    const handle = await open(segment.path, "a");
    this.segments = [...this.segments, segment];
    const opened: OpenFile = { segment, handle, bytes: 0 };
    this.file = opened;
    return opened;
  }
}

/** Lengths of both parts and a CRC over them, then the facts as JSON, then the body. */
function encode(facts: z.input<typeof Entry>, body: Buffer): Buffer {
  const json = Buffer.from(JSON.stringify(facts));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(json.length, 0);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(crc32(body, crc32(json)), 8);
  return Buffer.concat([head, json, body]);
}

/** Up to the first entry that is not whole: a crash cuts off the end, which nobody was told of. */
function readHalves(bytes: Buffer, found: Map<string, Half>): void {
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const jsonEnd = at + HEAD_BYTES + bytes.readUInt32LE(at);
    const end = jsonEnd + bytes.readUInt32LE(at + 4);
    if (end > bytes.length) return;
    const [json, body] = [bytes.subarray(at + HEAD_BYTES, jsonEnd), bytes.subarray(jsonEnd, end)];
    if (crc32(body, crc32(json)) !== bytes.readUInt32LE(at + 8)) return;
    const entry = Entry.safeParse(JSON.parse(json.toString("utf8"))).data;
    if (entry !== undefined && "met" in entry) found.delete(entry.met);
    else if (entry !== undefined) found.set(entry.key, { ...entry, body });
    at = end;
  }
}

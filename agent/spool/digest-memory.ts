/**
 * Digests of the request bodies that were taken in during the last 15 minutes: an exporter that heard no
 * answer sends the same bytes again, and they must make no second frame. Kept over restarts: digests stand
 * in the headers of spooled frames; those of freed frames in small files beside them.
 */
import { createCipheriv } from "node:crypto";
import { mkdir, open, readdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../../contract/limits.ts";

const DIGEST_BYTES = 16;
const ENTRY_BYTES = DIGEST_BYTES + 8;
const IV_BYTES = 12;

/** Which door a body came through: the same bytes mean different things at different doors. */
export const DOORS = ["logs", "traces", "events", "labels", "exchanges", "metrics"] as const;
export type Door = (typeof DOORS)[number];

/** 128 bits under a secret key: the tag of AES-GCM over the body as additional data, at memory speed. */
export function bodyDigest(key: Buffer, door: Door, body: Uint8Array): string {
  const iv = Buffer.alloc(IV_BYTES, DOORS.indexOf(door));
  const cipher = createCipheriv("aes-128-gcm", key, iv);
  cipher.setAAD(body);
  cipher.final();
  return cipher.getAuthTag().toString("hex");
}

export class DigestMemory {
  private readonly folder: string;
  /** Acceptance time by digest, oldest first. */
  private readonly times = new Map<string, number>();
  private files: { readonly path: string; readonly newestMs: number }[] = [];
  /** Digests that had to go before their time. */
  evicted = 0;

  constructor(folder: string) {
    this.folder = join(folder, "digests");
  }

  get size(): number {
    return this.times.size;
  }

  add(digest: string, acceptedMs: number): void {
    this.times.set(digest, acceptedMs);
    if (this.times.size <= LIMITS.exporterRetryDigestsMax) return;
    const oldest = this.times.keys().next();
    if (oldest.done !== true) this.times.delete(oldest.value);
    this.evicted++;
  }

  has(digest: string): boolean {
    return this.times.has(digest);
  }

  /** Reads the files of freed frames; what is too old is left out. */
  async load(nowMs: number): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    for (const name of (await readdir(this.folder)).toSorted()) {
      const path = join(this.folder, name);
      const bytes = await readFile(path);
      let newestMs = 0;
      for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
        const acceptedMs = bytes.readDoubleLE(at + DIGEST_BYTES);
        newestMs = Math.max(newestMs, acceptedMs);
        if (acceptedMs > nowMs - LIMITS.exporterRetryMemoryMs) {
          this.add(bytes.toString("hex", at, at + DIGEST_BYTES), acceptedMs);
        }
      }
      this.files.push({ path, newestMs });
    }
  }

  /** Writes the digests of frames that are about to be freed, with fsync. */
  async save(name: string, digests: readonly (readonly [string, number])[]): Promise<void> {
    if (digests.length === 0) return;
    const bytes = Buffer.alloc(digests.length * ENTRY_BYTES);
    let newestMs = 0;
    for (const [i, [digest, acceptedMs]] of digests.entries()) {
      bytes.write(digest, i * ENTRY_BYTES, "hex");
      bytes.writeDoubleLE(acceptedMs, i * ENTRY_BYTES + DIGEST_BYTES);
      newestMs = Math.max(newestMs, acceptedMs);
    }
    const path = join(this.folder, name);
    const file = await open(path, "w", 0o600);
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
    this.files.push({ path, newestMs });
  }

  /** Forgets what is older than the memory reaches. */
  async prune(nowMs: number): Promise<void> {
    const oldestMs = nowMs - LIMITS.exporterRetryMemoryMs;
    for (const [digest, acceptedMs] of this.times) {
      if (acceptedMs > oldestMs) break;
      this.times.delete(digest);
    }
    const old = this.files.filter(({ newestMs }) => newestMs <= oldestMs);
    this.files = this.files.filter(({ newestMs }) => newestMs > oldestMs);
    for (const { path } of old) await unlink(path).catch(() => undefined);
  }
}

/**
 * What counters were last known by, in memory and in a file beside the spool: an agent that starts again must not
 * count what it has counted, nor forget what came in between. An entry is on disk before its rows are, and names the
 * digest under which these are taken in; read again, it holds if that digest is in the spool.
 */
import { type FileHandle, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";
import { isDiskFull } from "../spool/disk-reserve.ts";
import type { Baseline } from "./growth.ts";
import type { KnownCounters } from "./plan-samples.ts";

const FILE = "counters.jsonl";
/** Written anew when it has grown so large. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** +∞, which JSON has not, is null. */
const Edge = z.number().nullable();
const Entry = z.strictObject({
  /** Empty: it holds in any case. */
  digest: z.string(),
  key: z.string(),
  readMs: z.number(),
  series: z.array(
    z.tuple([z.string(), z.number(), z.number(), z.array(z.number()), z.array(Edge)]),
  ),
});
type Entry = z.output<typeof Entry>;

export interface BookEntry {
  readonly digest: string;
  readonly key: string;
  readonly readMs: number;
  readonly baselines: readonly (readonly [string, Baseline])[];
}

interface Source {
  readMs: number;
  readonly series: Map<string, Baseline>;
}

export class BaselineBook implements KnownCounters {
  private readonly path: string;
  private readonly sources = new Map<string, Source>();
  private file: FileHandle | null = null;
  private bytes = 0;
  /** It may end in half a line, behind which nothing is read. */
  private mayBeTorn = true;
  private size = 0;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * @param isTaken whether rows were taken in under this digest
   */
  static async open(
    folder: string,
    nowMs: number,
    isTaken: (digest: string) => boolean,
  ): Promise<BaselineBook> {
    const book = new BaselineBook(join(folder, FILE));
    for (const line of (await readFile(book.path, "utf8").catch(() => "")).split("\n")) {
      const entry = entryOf(line);
      // A kill may cut the last line off; what stands behind it was never written.
      if (entry === null) break;
      if (entry.digest === "" || isTaken(entry.digest)) book.apply(fromFile(entry));
    }
    book.forget(nowMs);
    try {
      await book.rewrite();
    } catch (error) {
      // What is there is read; it is written anew before anything is added.
      if (!isDiskFull(error)) throw error;
    }
    return book;
  }

  get room(): number {
    return LIMITS.metricSeriesMax - this.size;
  }

  readMs(key: string): number | null {
    return this.sources.get(key)?.readMs ?? null;
  }

  baseline(key: string, series: string): Baseline | null {
    return this.sources.get(key)?.series.get(series) ?? null;
  }

  /** Resolves when the entries are on disk; they hold for this process once they are applied. */
  async write(entries: readonly BookEntry[]): Promise<void> {
    const text = entries.map((entry) => `${JSON.stringify(forFile(entry))}\n`).join("");
    if (this.mayBeTorn || this.bytes > FILE_BYTES_MAX) await this.rewrite();
    this.file ??= await open(this.path, "a");
    try {
      await this.file.appendFile(text);
      await this.file.datasync();
      this.bytes += Buffer.byteLength(text);
    } catch (error) {
      this.mayBeTorn = true;
      await this.rewrite().catch(() => undefined);
      throw error;
    }
  }

  apply({ key, readMs, baselines }: BookEntry): void {
    const source = this.sources.get(key) ?? { readMs, series: new Map<string, Baseline>() };
    source.readMs = Math.max(source.readMs, readMs);
    const before = source.series.size;
    for (const [series, baseline] of baselines) source.series.set(series, baseline);
    this.size += source.series.size - before;
    this.sources.set(key, source);
  }

  /** Forgets counters that nobody told of for so long that their growth would not count. */
  forget(nowMs: number): void {
    const oldestMs = nowMs - LIMITS.metricGapMsMax;
    this.size = 0;
    for (const [key, source] of this.sources) {
      for (const [series, { timeMs }] of source.series) {
        if (timeMs < oldestMs) source.series.delete(series);
      }
      if (source.readMs < oldestMs) this.sources.delete(key);
      else this.size += source.series.size;
    }
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = null;
  }

  private async rewrite(): Promise<void> {
    await this.close();
    const lines = [...this.sources].map(([key, { readMs, series }]) =>
      JSON.stringify(forFile({ digest: "", key, readMs, baselines: [...series] })),
    );
    const text = lines.map((line) => `${line}\n`).join("");
    await writeFileAtomic(this.path, text);
    this.bytes = Buffer.byteLength(text);
    this.mayBeTorn = false;
  }
}

function entryOf(line: string): Entry | null {
  try {
    return Entry.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

function forFile({ digest, key, readMs, baselines }: BookEntry): Entry {
  const series = baselines.map(
    ([name, { timeMs, startMs, values, edges }]): Entry["series"][number] => [
      ...([name, timeMs, startMs] as const),
      [...values],
      edges.map((edge) => (Number.isFinite(edge) ? edge : null)),
    ],
  );
  return { digest, key, readMs, series };
}

function fromFile({ digest, key, readMs, series }: Entry): BookEntry {
  const baselines = series.map(
    ([name, timeMs, startMs, values, edges]): readonly [string, Baseline] => [
      name,
      { timeMs, startMs, values, edges: edges.map((edge) => edge ?? Number.POSITIVE_INFINITY) },
    ],
  );
  return { digest, key, readMs, baselines };
}

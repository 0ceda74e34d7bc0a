/**
 * Prepares the example's data once per data directory. What is there is used again only when its
 * digests hold and it was made from the same source under the same switches; the shift to the present
 * is part of the data, so a resumed story keeps its dates.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { DriftmendError } from "../../../contract/driftmend-error.ts";
import { writeFileAtomic } from "../../../runtime/atomic-file.ts";
import { decodeFlights, type Flights } from "./flights-file.ts";
import { permuteLabels } from "./permute-labels.ts";
import type { PrepareJob } from "./prepare-child.ts";
import type { SourceFiles } from "./read-source.ts";

/** Raised when the files change their meaning, so that old ones are made again. */
const FORMAT = 1;
const CHILD_TIMEOUT_MS = 120_000;

const Prepared = z.strictObject({
  format: z.literal(FORMAT),
  sourceSha256: z.string(),
  permuteLabels: z.boolean(),
  shiftMs: z.int(),
  rows: z.int(),
  flightsSha256: z.string(),
  trainingSetSha256: z.string(),
});
type Prepared = z.infer<typeof Prepared>;

export interface PreparedFlights {
  /** In the order of UTC departure, labels permuted when asked. */
  readonly flights: Flights;
  /** Parquet of weeks 6–9 with the trainer's columns. */
  readonly trainingSetPath: string;
  readonly trainingSetSha256: string;
  readonly shiftMs: number;
  /** False when the files were made by this call. */
  readonly reused: boolean;
}

export interface PrepareOptions {
  /** Where the prepared files live, usually `<dataDir>/example`. */
  readonly folder: string;
  /** The last flight will lie within the seven days before this moment. */
  readonly nowMs: number;
  readonly permuteLabels?: boolean;
  readonly source?: SourceFiles;
}

/** The two files of the development dependency `vega-datasets`. */
export function vegaFlights(): SourceFiles {
  const entry = fileURLToPath(import.meta.resolve("vega-datasets"));
  const folder = entry.slice(0, entry.lastIndexOf("vega-datasets") + "vega-datasets".length);
  return {
    flightsPath: join(folder, "data", "flights-3m.parquet"),
    airportsPath: join(folder, "data", "airports.csv"),
  };
}

/** By how much the prepared dates were moved; null where nothing is prepared. */
export async function readShiftMs(folder: string): Promise<number | null> {
  try {
    const text = await readFile(join(folder, "flights.json"), "utf8");
    return z.object({ shiftMs: z.int() }).parse(JSON.parse(text)).shiftMs;
  } catch {
    return null;
  }
}

/** @throws {DriftmendError} flights_source_missing, flights_unprepared */
export async function prepareFlights(options: PrepareOptions): Promise<PreparedFlights> {
  const source = options.source ?? vegaFlights();
  const permuted = options.permuteLabels ?? false;
  const paths = {
    flights: join(options.folder, "flights.bin"),
    trainingSet: join(options.folder, "training-set.parquet"),
    prepared: join(options.folder, "flights.json"),
  };
  const sourceSha256 = await digestSource(source);
  const present = await readPresent(paths, { sourceSha256, permuteLabels: permuted });
  const ready = present ?? (await prepare(options, source, sourceSha256, paths));
  const flights = decodeFlights(ready.bytes, ready.prepared.shiftMs);
  return {
    flights: permuted ? permuteLabels(flights) : flights,
    trainingSetPath: paths.trainingSet,
    trainingSetSha256: ready.prepared.trainingSetSha256,
    shiftMs: ready.prepared.shiftMs,
    reused: present !== undefined,
  };
}

interface Paths {
  readonly flights: string;
  readonly trainingSet: string;
  readonly prepared: string;
}

interface Ready {
  readonly prepared: Prepared;
  readonly bytes: Buffer;
}

async function readPresent(
  paths: Paths,
  wanted: Pick<Prepared, "sourceSha256" | "permuteLabels">,
): Promise<Ready | undefined> {
  const [text, bytes, trainingSet] = await Promise.all(
    [paths.prepared, paths.flights, paths.trainingSet].map((path) =>
      readFile(path).catch(() => undefined),
    ),
  );
  if (text === undefined || bytes === undefined || trainingSet === undefined) return undefined;
  const parsed = Prepared.safeParse(parseJson(text.toString()));
  if (!parsed.success) return undefined;
  const prepared = parsed.data;
  const isSame =
    prepared.sourceSha256 === wanted.sourceSha256 &&
    prepared.permuteLabels === wanted.permuteLabels &&
    prepared.flightsSha256 === sha256(bytes) &&
    prepared.trainingSetSha256 === sha256(trainingSet);
  return isSame ? { prepared, bytes } : undefined;
}

async function prepare(
  options: PrepareOptions,
  source: SourceFiles,
  sourceSha256: string,
  paths: Paths,
): Promise<Ready> {
  await mkdir(options.folder, { recursive: true });
  const job: PrepareJob = {
    ...source,
    outPath: paths.flights,
    trainingSetPath: paths.trainingSet,
    permuteLabels: options.permuteLabels ?? false,
    nowMs: options.nowMs,
  };
  const { shiftMs, rows } = await runChild(job);
  const [bytes, trainingSet] = await Promise.all([
    readFile(paths.flights),
    readFile(paths.trainingSet),
  ]);
  const prepared: Prepared = {
    format: FORMAT,
    sourceSha256,
    permuteLabels: job.permuteLabels,
    shiftMs,
    rows,
    flightsSha256: sha256(bytes),
    trainingSetSha256: sha256(trainingSet),
  };
  await writeFileAtomic(paths.prepared, `${JSON.stringify(prepared, null, 2)}\n`);
  return { prepared, bytes };
}

async function runChild(job: PrepareJob): Promise<{ shiftMs: number; rows: number }> {
  const entry = new URL("prepare-child.ts", import.meta.url);
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [fileURLToPath(entry), JSON.stringify(job)],
      { timeout: CHILD_TIMEOUT_MS },
    );
    return z.object({ shiftMs: z.int(), rows: z.int() }).parse(JSON.parse(stdout));
  } catch (cause) {
    throw new DriftmendError("flights_unprepared", {
      retry: "later",
      message: `Cannot prepare the flights in "${dirname(job.outPath)}": ${lastLine(cause)}`,
      next: "Check free disk space and memory (1 GB each), then start again.",
      cause,
    });
  }
}

async function digestSource(source: SourceFiles): Promise<string> {
  const hash = createHash("sha256");
  for (const path of [source.flightsPath, source.airportsPath]) {
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new DriftmendError("flights_source_missing", {
        retry: "never",
        message: `Cannot read "${path}" as the source of the flights: the file is not there`,
        next: "Run npm ci in the checkout; vega-datasets is a development dependency.",
        cause,
      });
    });
    hash.update(bytes);
  }
  return hash.digest("hex");
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lastLine(cause: unknown): string {
  const stderr =
    typeof cause === "object" && cause !== null && "stderr" in cause ? String(cause.stderr) : "";
  const message = cause instanceof Error ? cause.message : String(cause);
  return stderr.split("\n").find((line) => line.includes("Error")) ?? message.split("\n")[0] ?? "";
}

/** A small data set on disk and a trainer run on it as a real process. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Flights } from "../../../../examples/flights/data/flights-file.ts";
import { writeRowsParquet } from "../../../../examples/flights/data/training-set.ts";
import { processEnvironment } from "../../../../runtime/env.ts";

export interface DataSet {
  readonly folder: string;
  readonly dataset: string;
  readonly out: string;
}

/** Writes 4/5 of the flights to `train/` and the rest to `valid/`. */
export async function writeDataSet(flights: Flights): Promise<DataSet> {
  const folder = await mkdtemp(join(tmpdir(), "driftmend-trainer-"));
  const dataset = join(folder, "dataset");
  await mkdir(join(dataset, "train"), { recursive: true });
  await mkdir(join(dataset, "valid"));
  const cut = Math.floor(flights.rows * 0.8);
  await writeRowsParquet(flights, 0, cut, join(dataset, "train", "part-0.parquet"));
  await writeRowsParquet(flights, cut, flights.rows, join(dataset, "valid", "part-0.parquet"));
  await writeFile(join(dataset, "dataset.json"), JSON.stringify({ task: { positive: "1" } }));
  return { folder, dataset, out: join(folder, "out") };
}

export interface TrainerRun {
  readonly exitCode: number | null;
  readonly stderr: string;
}

/** Starts a trainer under the contract; `onStart` gets the process to do something to it. */
export function runTrainer(
  command: readonly string[],
  set: DataSet,
  env: Readonly<Record<string, string>> = {},
  onStart: (child: { kill(signal: NodeJS.Signals): boolean }) => void = () => undefined,
): Promise<TrainerRun> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env: {
      ...processEnvironment(),
      DRIFTMEND_RUN_ID: "run-7",
      DRIFTMEND_MODEL: "flights",
      DRIFTMEND_DATASET: set.dataset,
      DRIFTMEND_OUT: set.out,
      DRIFTMEND_PARAMS: "{}",
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  onStart(child);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode, stderr }));
  });
}

export async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, "utf8"));
}

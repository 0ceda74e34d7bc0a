/**
 * GPU slots of this machine: one lock file per GPU, named by its UUID and shared by all retrainers of
 * the user. A lock whose owner has ended is free. Without a GPU a trainer gets a CPU slot.
 */
import { execFile } from "node:child_process";
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "../../runtime/clock.ts";

export interface GpuSlots {
  /**
   * Waits for `count` free GPUs; fewer where the machine has fewer. Answers their UUIDs.
   * @param owner who holds them: the folder of the attempt
   */
  take(count: number, owner: string, signal: AbortSignal): Promise<TakenSlots>;
}

export interface TakenSlots {
  /** Empty: a CPU slot. */
  readonly gpus: readonly string[];
  release(): Promise<void>;
}

export interface GpuSlotsOptions {
  /** Where the locks lie. */
  readonly folder: string;
  /** The program that lists GPUs; tests name their own. */
  readonly nvidiaSmi: string;
  /** Whether the attempt that holds a lock still runs. */
  readonly isHeld: (owner: string) => Promise<boolean>;
}

const WAIT_MS = 1_000;
const QUERY = ["--query-gpu=uuid,memory.used", "--format=csv,noheader,nounits"];
const QUERY_TIMEOUT_MS = 10_000;

export function createGpuSlots(options: GpuSlotsOptions, deps: { clock: Clock }): GpuSlots {
  return {
    take: async (count, owner, signal) => {
      if (count === 0) return { gpus: [], release: () => Promise.resolve() };
      const inventory = await listGpus(options.nvidiaSmi);
      const wanted = Math.min(count, inventory.length);
      await mkdir(options.folder, { recursive: true });
      const held: string[] = [];
      const release = async (): Promise<void> => {
        for (const uuid of held.splice(0)) await rm(lockPath(options, uuid), { force: true });
      };
      while (held.length < wanted) {
        for (const uuid of inventory) {
          if (held.length < wanted && !held.includes(uuid) && (await lock(options, uuid, owner))) {
            held.push(uuid);
          }
        }
        if (held.length === wanted) break;
        // Who holds some and waits for more would wait for who does the same.
        await release();
        await deps.clock.sleep(WAIT_MS, signal);
      }
      return { gpus: [...held], release };
    },
  };
}

const lockPath = (options: GpuSlotsOptions, uuid: string): string =>
  join(options.folder, `${uuid}.lock`);

async function lock(options: GpuSlotsOptions, uuid: string, owner: string): Promise<boolean> {
  const path = lockPath(options, uuid);
  if (await create(path, owner)) return true;
  const holder = await readFile(path, "utf8").catch(() => "");
  if (holder === owner) return true;
  if (holder !== "" && (await options.isHeld(holder))) return false;
  await rm(path, { force: true });
  return create(path, owner);
}

async function create(path: string, owner: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(owner);
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** UUIDs of the GPUs, those with the least memory in use first; none where there is no such program. */
export async function listGpus(nvidiaSmi: string): Promise<readonly string[]> {
  const text = await promisify(execFile)(nvidiaSmi, QUERY, { timeout: QUERY_TIMEOUT_MS }).then(
    ({ stdout }) => stdout,
    () => "",
  );
  return text
    .split("\n")
    .map((line) => line.split(",").map((field) => field.trim()))
    .filter(([uuid]) => uuid !== undefined && uuid !== "")
    .map(([uuid = "", used = "0"]) => ({ uuid, used: Number(used) }))
    .sort((a, b) => a.used - b.used)
    .map(({ uuid }) => uuid);
}

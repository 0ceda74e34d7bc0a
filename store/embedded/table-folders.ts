/**
 * Makes parts durable whose insert the engine has answered. It fsyncs a part's files and the part's folder, then
 * renames that folder into the table's, which it never fsyncs: a power cut could take a part away whose rows agents
 * have freed because they were told that they are stored.
 */
import { type Stats, readdirSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock.ts";

/** Times of files advance in steps: a folder that changed less than this ago may change again unseen. */
const STEP_MS = 1_000;

export class TableFolders {
  private readonly store: string;
  private readonly clock: Pick<Clock, "nowMs">;
  private readonly sync: (folder: string) => Promise<void>;
  /** When each folder had changed last that was fsynced since. */
  private readonly settled = new Map<string, number>();

  /** @param engineDirectory holds `store/<3 digits>/<uuid>`, one folder a table */
  constructor(
    engineDirectory: string,
    clock: Pick<Clock, "nowMs">,
    sync: (folder: string) => Promise<void> = syncFolder,
  ) {
    this.store = join(engineDirectory, "store");
    this.clock = clock;
    this.sync = sync;
  }

  /** Resolves when every part is durable that stood in its table's folder when this was called. */
  async settle(): Promise<void> {
    const changed = this.folders().flatMap((folder) => {
      const changedMs = modifiedMs(folder);
      if (changedMs === null) return [];
      const isOld = this.clock.nowMs() - changedMs > STEP_MS;
      return isOld && this.settled.get(folder) === changedMs ? [] : [{ folder, changedMs }];
    });
    await Promise.all(
      changed.map(async ({ folder, changedMs }) => {
        await this.sync(folder);
        this.settled.set(folder, changedMs);
      }),
    );
  }

  private folders(): string[] {
    return namesIn(this.store).flatMap((prefix) => {
      const folder = join(this.store, prefix);
      return namesIn(folder).map((table) => join(folder, table));
    });
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(ignoreMissing);
  if (handle === null) return;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Null for a table that was dropped meanwhile. */
function modifiedMs(folder: string): number | null {
  const found: Stats | undefined = statSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true ? found.mtimeMs : null;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    return ignoreMissing(error) ?? [];
  }
}

function ignoreMissing(error: unknown): null {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
  throw error;
}

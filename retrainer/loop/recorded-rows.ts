/**
 * Recorded requests with which a server is asked for its version. The last ones are kept in a file, so
 * that a rollback can be proven while the store is down.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";
import { recentFeatures } from "../../store/queries/training-rows.ts";
import type { RecordedRow } from "../rollout/target.ts";
import type { ModelContext, RetrainerDeps } from "./deps.ts";

const Rows = z.array(z.record(z.string(), z.union([z.number(), z.string()])));
const LOOK_BACK_MS = 7 * 86_400_000;

export async function recordedRows(
  context: ModelContext,
  atMs: number,
  deps: RetrainerDeps,
): Promise<readonly RecordedRow[]> {
  const path = join(context.folder, "recorded-rows.json");
  const { model } = context;
  try {
    const found = await deps.store.query(recentFeatures, {
      model,
      fromMs: atMs - LOOK_BACK_MS,
      toMs: atMs,
      rowsMax: LIMITS.proofRequestsMax,
    });
    const rows = found.map(({ num, cat }) => ({ ...num, ...cat }));
    if (rows.length === 0) return rows;
    await mkdir(context.folder, { recursive: true });
    await writeFileAtomic(path, JSON.stringify(rows));
    return rows;
  } catch (error) {
    deps.logger.warn({ err: error, model }, "the store gives no requests to prove with");
    const text = await readFile(path, "utf8").catch(() => "[]");
    return Rows.parse(JSON.parse(text));
  }
}

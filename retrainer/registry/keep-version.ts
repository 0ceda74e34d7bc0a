/** Our own copy of a version's files: what a rollback needs when nobody else has them any more. Never changed. */
import { createHash } from "node:crypto";
import { cp, readFile, rename, rm } from "node:fs/promises";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { StagedVersion } from "../rollout/target.ts";

export async function keepVersion(
  modelFolder: string,
  version: StagedVersion,
): Promise<{ readonly folder: string; readonly entry: string; readonly sha256: string }> {
  const { entry, sha256 } = version;
  const folder = join(modelFolder, "versions", version.version);
  const present = await readFile(join(folder, entry)).catch(() => null);
  if (present === null) {
    await rm(`${folder}.tmp`, { recursive: true, force: true });
    await mkdir(dirname(folder), { recursive: true });
    await cp(version.folder, `${folder}.tmp`, { recursive: true });
    await rename(`${folder}.tmp`, folder);
    return { folder, entry, sha256 };
  }
  const found = createHash("sha256").update(present).digest("hex");
  if (found === sha256) return { folder, entry, sha256 };
  throw new DriftmendError("version_exists", {
    retry: "never",
    message: `Cannot register version "${version.version}" as versions never change: "${folder}" holds another model`,
    next: "Move that folder away, or restore the journal that knows it.",
  });
}

/** The next version's name: one more than the largest number among those known. */
export function nextVersion(known: readonly string[]): string {
  const numbers = known.filter((name) => /^\d+$/.test(name)).map(Number);
  return String(Math.max(0, ...numbers) + 1);
}

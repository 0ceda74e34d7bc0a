/**
 * The target `directory` (docs/directory-target.md): version folders in a model repository, a pointer file
 * that says which serve which share, and V2's load call. Files appear by rename, never half written.
 */
import { createHash } from "node:crypto";
import { copyFile, mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";
import type { VersionShare } from "../journal/run-state.ts";
import { proofOf } from "./proof.ts";
import type { Observation, RolloutTarget, StagedVersion } from "./target.ts";
import { v2Server } from "./v2-server.ts";

const ServedVersions = z
  .array(z.object({ version: z.string().min(1), share: z.number().min(0).max(1) }))
  .min(1);
const Pointer = z.looseObject({ revision: z.int(), versions: ServedVersions });
type Pointer = z.infer<typeof Pointer>;

/** File of the model in a version's folder; the name is the target's, whatever the trainer called it. */
export const MODEL_FILE = "model.onnx";
/** How many probes are asked at once. */
const PROBES_AT_ONCE = 8;

export interface DirectoryTargetOptions {
  readonly model: string;
  /** The model repository: holds a folder per model. */
  readonly repository: string;
  readonly url: string;
}

export function createDirectoryTarget(options: DirectoryTargetOptions): RolloutTarget {
  const folder = join(options.repository, options.model);
  const pointerPath = join(folder, "serving.json");
  return {
    stage: (version) => stage(folder, version),
    shares: async () => (await readPointer(pointerPath))?.versions ?? null,
    setShares: async (shares) => {
      const current = await readPointer(pointerPath);
      if (current === null || !sameShares(current.versions, shares)) {
        const next = {
          revision: (current?.revision ?? 0) + 1,
          versions: shares.map(({ version, share }) => ({ version, share })),
          previous: current?.versions ?? null,
        };
        await writeFileAtomic(pointerPath, `${JSON.stringify(next, null, 2)}\n`);
      }
      await v2Server(options.url, options.model, null).load();
    },
    observe: async (rows, signature, shares) => {
      const server = v2Server(options.url, options.model, signature);
      const answers: Record<string, number> = {};
      let observation: Observation = { answers, requests: 0 };
      while (proofOf(observation, shares).kind === "open") {
        const asked = Array.from({ length: PROBES_AT_ONCE }, (_, i) => observation.requests + i)
          .filter((number) => number < LIMITS.proofRequestsMax)
          .map((number) => {
            const row = rows[number % Math.max(1, rows.length)] ?? {};
            return server.versionFor(probeId(number), row);
          });
        for (const version of await Promise.all(asked)) {
          answers[version] = (answers[version] ?? 0) + 1;
        }
        observation = { answers, requests: observation.requests + asked.length };
      }
      return observation;
    },
    versionFolder: (version) => join(folder, version),
  };
}

/** Ids differ in every digit, so that a server that assigns by the hash of the id spreads them. */
const probeId = (number: number): string =>
  `driftmend-probe-${createHash("sha256").update(String(number)).digest("hex").slice(0, 16)}`;

const sameShares = (a: readonly VersionShare[], b: readonly VersionShare[]): boolean =>
  a.length === b.length &&
  a.every(({ version, share }, i) => b[i]?.version === version && b[i]?.share === share);

async function readPointer(path: string): Promise<Pointer | null> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return Pointer.parse(JSON.parse(text));
  } catch (cause) {
    throw new DriftmendError("target_pointer_invalid", {
      retry: "never",
      message: `Cannot read the pointer file "${path}" as {revision, versions: [{version, share}]}`,
      next: "Restore it by hand; docs/directory-target.md has its form.",
      cause,
    });
  }
}

async function stage(folder: string, version: StagedVersion): Promise<void> {
  const target = join(folder, version.version);
  const present = await readFile(join(target, MODEL_FILE)).catch(() => null);
  if (present !== null) {
    const sha256 = createHash("sha256").update(present).digest("hex");
    if (sha256 === version.sha256) return;
    throw new DriftmendError("version_exists", {
      retry: "never",
      message: `Cannot stage version "${version.version}" as versions never change: "${target}" holds another model`,
      next: "Move that folder away; somebody else uses the same version names in this repository.",
    });
  }
  const temporary = join(folder, `.${version.version}.tmp`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  for (const name of await readdir(version.folder)) {
    const to = name === version.entry ? MODEL_FILE : basename(name);
    await copyFile(join(version.folder, name), join(temporary, to));
    await syncFile(join(temporary, to));
  }
  await rename(temporary, target);
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

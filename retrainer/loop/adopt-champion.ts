/**
 * The first champion: which version serves is asked of the server itself, its files are taken from the
 * target's repository. Until that has worked nothing can be compared with anything.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { VersionRecord } from "../../contract/run.ts";
import { modelColumns } from "../dataset/model-columns.ts";
import { MODEL_FILE } from "../rollout/directory-target.ts";
import { proofOf } from "../rollout/proof.ts";
import { keepVersion } from "../registry/keep-version.ts";
import type { ModelContext, RetrainerDeps } from "./deps.ts";
import { recordedRows } from "./recorded-rows.ts";
import { writeVersionReference } from "./version-reference.ts";

/** @throws {DriftmendError} champion_unknown, target_unreachable, target_refused, model_corrupt … */
export async function adoptChampion(
  context: ModelContext,
  atMs: number,
  deps: RetrainerDeps,
): Promise<void> {
  const { model, document } = context;
  if (deps.journal.registry.champion(model) !== null || document.rollout === undefined) return;
  const target = deps.targetOf(document);
  const shares = await target.shares();
  const main = shares?.find(({ share }) => share > 0.5);
  if (shares === null || main === undefined) {
    throw unknown(
      model,
      "the target's pointer names no version with more than half of the requests",
    );
  }
  const { version } = main;
  const folder = target.versionFolder(version);
  if (folder === null) throw unknown(model, "the target cannot give its files back");
  const path = join(folder, MODEL_FILE);
  const bytes = await readFile(path).catch(() => {
    throw unknown(model, `"${path}" is not there`);
  });
  const signature = await deps.pool.inspect(path, null);
  const rows = await recordedRows(context, atMs, deps);
  const proof = proofOf(await target.observe(rows, signature, shares), shares);
  if (proof.kind === "refuted") throw unknown(model, proof.reason);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const artifact = await keepVersion(context.folder, {
    ...{ version, folder, entry: MODEL_FILE, sha256 },
  });
  const columns = await modelColumns(document, atMs, deps.store);
  await writeVersionReference(
    context,
    { version, path, signature, columns, dataset: null, knownMs: atMs, quarantine: [] },
    deps,
  );
  const text = await readFile(join(folder, "metrics.json"), "utf8").catch(() => "{}");
  const metrics = parseMetrics(text);
  const device = typeof metrics["device"] === "string" ? metrics["device"] : null;
  const record: VersionRecord = {
    model,
    version,
    origin: "adopted",
    artifact: { ...artifact, bytes: bytes.length, device },
    runId: null,
    parentVersion: null,
    registeredMs: atMs,
    dataset: null,
    judgement: null,
    metrics,
    signature: { inputs: [...signature.inputs], output: signature.output },
  };
  const reason = `Version "${version}" answers and was adopted as champion`;
  deps.journal.registry.adopt(record, { actor: "retrainer", atMs, action: "adopt", reason });
  deps.say({
    model,
    atMs,
    step: "adopted",
    runId: null,
    decision: null,
    version,
    title: `${model}: version ${version} is the champion`,
    text: "the server proved with its own answers that it serves.",
    numbers: {},
  });
}

function parseMetrics(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function unknown(model: string, why: string): DriftmendError {
  return new DriftmendError("champion_unknown", {
    retry: "later",
    message: `Cannot adopt the champion of "${model}" as the target must say which version serves: ${why}`,
    next: "Write the pointer file as docs/directory-target.md says; adoption is tried again by itself.",
  });
}

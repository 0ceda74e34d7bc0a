/** One npm package in a folder of its own, which is there whole or not at all. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Unsuccessful } from "./say.mjs";

/**
 * @param {string} folder replaced when it exists
 * @param {string} specification "name@version"
 * @param {(args: string[], cwd: string) => Promise<{ ok: boolean, stdout: string, stderr: string }>} runNpm
 */
export async function installInto(folder, specification, runNpm) {
  const beside = `${folder}.new`;
  rmSync(beside, { recursive: true, force: true });
  mkdirSync(beside, { recursive: true });
  // A package.json keeps npm from looking for a project in the folders above.
  writeFileSync(join(beside, "package.json"), '{ "private": true }\n');
  const args = ["install", "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit"];
  const result = await runNpm([...args, "--no-fund", "--loglevel=error", specification], beside);
  if (!result.ok) {
    throw new Unsuccessful(
      `Cannot install "${specification}" by npm:\n${result.stderr.trim().slice(-2000)}\n` +
        "Check the network (or the registry that npm is configured for) and try again.",
    );
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(beside, folder);
}

/**
 * The page's build, made again when its sources are others than those of the last build: a stamp in its
 * folder holds their digest, written last, so that half a build never has one.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Unsuccessful, run, step } from "./say.mjs";

const stampFile = (checkout) => join(checkout, "console", "dist", ".built");

/** The digest of what the build is made of: the sources, and the versions of the packages in it. */
function wantedStamp(checkout) {
  const hash = createHash("sha256");
  for (const path of [...filesUnder(checkout, "console"), "package-lock.json"]) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(checkout, path)))
      .update("\0");
  }
  return `${hash.digest("hex")}\n`;
}

/** In one order everywhere; without what is built. */
function filesUnder(checkout, folder) {
  const entries = readdirSync(join(checkout, folder), { withFileTypes: true });
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (!entry.isDirectory()) return [path];
      return path === "console/dist" ? [] : filesUnder(checkout, path);
    });
}

/** Whether the page is built from what the sources are now; true where there are none to build. */
export function consoleIsCurrent(checkout) {
  if (!existsSync(join(checkout, "console", "vite.config.ts"))) return true;
  try {
    return readFileSync(stampFile(checkout), "utf8") === wantedStamp(checkout);
  } catch {
    return false;
  }
}

/**
 * @param {string} checkout
 * @param {string} node a Node >= 26
 */
export async function ensureConsole(checkout, node) {
  if (consoleIsCurrent(checkout)) return;
  const stamp = wantedStamp(checkout);
  await step("the page, by Vite", async () => {
    const vite = join(checkout, "node_modules", "vite", "bin", "vite.js");
    const args = [vite, "build", "console", "--logLevel", "warn"];
    const built = await run(node, args, { cwd: checkout });
    if (built.ok) return;
    throw new Unsuccessful(`Cannot build the page:\n${`${built.stdout}\n${built.stderr}`.trim()}`);
  });
  writeFileSync(stampFile(checkout), stamp);
}

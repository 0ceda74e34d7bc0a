/**
 * The packages of the lock file, installed by Node 26 itself: npm under an older Node silently leaves out
 * optional native packages whose `engines` ask for more. The stamp lies inside node_modules, which `npm ci`
 * removes first, so half an installation never has one.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { libraryFolder } from "./libatomic.mjs";
import { isNewEnough } from "./node-26.mjs";
import { npm } from "./npm.mjs";
import { step } from "./say.mjs";

const stampFile = (checkout) => join(checkout, "node_modules", ".driftmend-set-up");

/** What the stamp must hold: the digest of the lock file, and the machine it was installed for. */
function wantedStamp(checkout) {
  const lock = createHash("sha256").update(readFileSync(join(checkout, "package-lock.json")));
  return `${lock.digest("hex")} ${process.platform}-${process.arch}\n`;
}

function stampIsCurrent(checkout) {
  try {
    return readFileSync(stampFile(checkout), "utf8") === wantedStamp(checkout);
  } catch {
    return false;
  }
}

/** Whether nothing is to be done: the stamp is right, and npm scripts find a Node that is new enough. */
export function packagesAreCurrent(checkout) {
  if (!stampIsCurrent(checkout)) return false;
  const linked = join(checkout, "node_modules", ".bin", "node");
  // The usual case costs no process: npm put node_modules/.bin first, so it is the Node that runs us.
  return (
    existsSync(linked) &&
    existsSync(join(checkout, "node_modules", ".bin", "driftmend")) &&
    (realpathSync(linked) !== realpathSync(process.execPath) || isNewEnough(process.version))
  );
}

/**
 * @param {string} checkout
 * @param {string} node a Node >= 26
 */
export async function ensurePackages(checkout, node) {
  const modules = join(checkout, "node_modules");
  if (!stampIsCurrent(checkout)) {
    await step("packages of package-lock.json by npm, about 470 MB", () =>
      npm(node, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
        cwd: checkout,
        cache: join(checkout, ".cache"),
      }),
    );
  }
  linkNode(node, join(modules, ".bin", "node"), checkout);
  link(join(checkout, "cli", "driftmend.mjs"), join(modules, ".bin", "driftmend"), checkout);
  writeFileSync(stampFile(checkout), wantedStamp(checkout));
}

/** What npm scripts run as `node`: a link, or a script where Node needs a library of the cache. */
function linkNode(node, path, checkout) {
  const libraries = libraryFolder(join(checkout, ".cache"));
  if (libraries === undefined) {
    link(node, path, checkout);
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const script = `#!/bin/sh\nexport LD_LIBRARY_PATH=${quoted(libraries)}"\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\nexec ${quoted(node)} "$@"\n`;
  writeFileSync(path, script, { mode: 0o755 });
}

/** A link that stays right when the checkout is moved, where the target lies inside it. */
function link(target, path, checkout) {
  if (existsSync(path) && realpathSync(path) === realpathSync(target)) return;
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  const inside = target.startsWith(`${checkout}/`);
  symlinkSync(inside ? relative(dirname(path), target) : target, path);
}

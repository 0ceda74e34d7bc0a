/** npm as a program that a chosen Node runs: its command line file, and an environment of its own. */
import { existsSync, realpathSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { installInto } from "./install-into.mjs";
import { Unsuccessful, run } from "./say.mjs";

const NPM_VERSION = "11.19.1";

/** Settings that belong to the npm which started us, not to the one that we start. */
const INHERITED =
  /^npm_(package_|lifecycle_|config_(local_prefix|prefix|global_prefix|global|location|omit|include|workspace|dry_run|node_gyp|npm_version)$|command$|execpath$|node_execpath$)/i;

/**
 * @param {string} node the Node that shall run npm
 * @param {string} cli npm's command line file
 */
function environment(node, cli) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !INHERITED.test(name)),
  );
  // Its binary for the CPU is in the package; the install step would download CUDA libraries.
  env.ONNXRUNTIME_NODE_INSTALL = "skip";
  env.PATH = [dirname(node), process.env.PATH ?? ""].join(delimiter);
  // Debian keeps npm's own packages beside it, where only Debian's Node looks.
  const beside = dirname(dirname(dirname(cli)));
  if (basename(beside) !== "node_modules") env.NODE_PATH = beside;
  return env;
}

/** npm's command line file: of the npm that started us, else of the one on the PATH. */
async function npmOfThisMachine() {
  const fromNpm = process.env.npm_execpath;
  if (fromNpm !== undefined && /npm-cli\.c?js$/.test(fromNpm) && existsSync(fromNpm)) {
    return realpathSync(fromNpm);
  }
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const found = join(folder, "npm");
    if (folder === "" || !existsSync(found)) continue;
    const real = realpathSync(found);
    if (/npm-cli\.c?js$/.test(real)) return real;
  }
  const root = await run("npm", ["root", "-g"]);
  const cli = join(root.stdout.trim(), "npm", "bin", "npm-cli.js");
  return root.ok && existsSync(cli) ? cli : undefined;
}

/**
 * Runs npm by `node`; answers its output, or throws what it said.
 * @param {string} node
 * @param {readonly string[]} args
 * @param {{ cwd: string, cache: string }} where `cache` keeps an npm of our own if the machine's fails under this Node
 */
export async function npm(node, args, where) {
  const cli = await npmFor(node, where.cache);
  const result = await run(node, [cli, ...args], { cwd: where.cwd, env: environment(node, cli) });
  if (result.ok) return result.stdout;
  throw new Unsuccessful(
    `Cannot run "npm ${args.join(" ")}":\n${`${result.stdout}\n${result.stderr}`.trim().slice(-4000)}\n` +
      "Check the network (or the registry that npm is configured for) and try again.",
  );
}

/**
 * npm by the Node that runs us, whichever it is: for the first steps.
 * @param {readonly string[]} args
 * @param {string} cwd
 */
export async function npmByThisNode(args, cwd) {
  const cli = await machinesNpm();
  const env = environment(process.execPath, cli);
  return run(process.execPath, [cli, ...args], { cwd, env });
}

async function npmFor(node, cache) {
  const own = join(cache, "npm", "node_modules", "npm", "bin", "npm-cli.js");
  if (existsSync(own)) return own;
  const cli = await machinesNpm();
  const works = await run(node, [cli, "--version"], { env: environment(node, cli) });
  if (works.ok) return cli;
  // An npm too old for that Node, or one that only the system's Node can load: let it fetch a newer one.
  await installInto(join(cache, "npm"), `npm@${NPM_VERSION}`, npmByThisNode);
  return own;
}

async function machinesNpm() {
  const cli = await npmOfThisMachine();
  if (cli !== undefined) return cli;
  throw new Unsuccessful(
    "Cannot install packages as npm must be installed: there is none on the PATH.\n" +
      "Install npm (on Debian and Ubuntu: apt-get install npm) and try again.",
  );
}

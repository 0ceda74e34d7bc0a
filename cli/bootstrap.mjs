/**
 * Makes a fresh clone ready: Node 26, the packages of the lock file, a nats-server, the page. Runs before every npm
 * script, under any Node >= 18 and without packages of its own; silent when nothing is to be done.
 */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { consoleIsCurrent, ensureConsole } from "./bootstrap/console.mjs";
import { holdLock } from "./bootstrap/lock.mjs";
import { ensureNatsServer } from "./bootstrap/nats-server.mjs";
import { ensureNode } from "./bootstrap/node-26.mjs";
import { ensurePackages, packagesAreCurrent } from "./bootstrap/packages.mjs";
import { Unsuccessful, say } from "./bootstrap/say.mjs";

const checkout = resolve(fileURLToPath(import.meta.url), "..", "..");

async function main() {
  const cache = join(checkout, ".cache");
  const isCurrent = packagesAreCurrent(checkout) && consoleIsCurrent(checkout);
  if (isCurrent && (await ensureNatsServer(cache, { fetch: false }))) return;
  const release = await holdLock(join(cache, "bootstrap.lock"));
  try {
    const started = performance.now();
    const node = await ensureNode(cache);
    await ensurePackages(checkout, node);
    await ensureNatsServer(cache, { fetch: true });
    await ensureConsole(checkout, node);
    say(`Set up in ${((performance.now() - started) / 1000).toFixed(0)} s.`);
  } finally {
    release();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(
    `\n${error instanceof Unsuccessful ? error.message : (error?.stack ?? error)}\n`,
  );
  process.exitCode = 1;
}

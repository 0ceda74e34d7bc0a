#!/usr/bin/env node
/**
 * The `driftmend` command. Any Node may start it: an older one than 26 hands over to the one that the
 * checkout's set-up installed. Sources run as they are in a checkout, `dist/` in an installed package.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import * as nodeModule from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cachedNode, isNewEnough } from "./bootstrap/node-26.mjs";

const folder = dirname(realpathSync(fileURLToPath(import.meta.url)));
const root = resolve(folder, "..");
const sources = join(folder, "main.ts");
const isCheckout = existsSync(sources) && existsSync(join(root, "package-lock.json"));

function newerNode() {
  const linked = join(root, "node_modules", ".bin", "node");
  if (existsSync(linked) && realpathSync(linked) !== realpathSync(process.execPath)) return linked;
  return cachedNode(join(root, ".cache"));
}

function handOver(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  // A terminal's Ctrl-C reaches the child by itself; others are passed on.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.once("exit", (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 128);
  });
}

async function main() {
  if (isCheckout && !existsSync(join(root, "node_modules", ".driftmend-set-up"))) {
    const setUp = spawnSync(process.execPath, [join(folder, "bootstrap.mjs")], {
      stdio: "inherit",
    });
    if (setUp.status !== 0) {
      process.exitCode = setUp.status ?? 1;
      return;
    }
  }
  if (isNewEnough(process.version)) {
    // Types are stripped and code is compiled once, not at every command, nor by every service that "up" starts.
    if (isCheckout) process.env.NODE_COMPILE_CACHE ??= join(root, ".cache", "compiled");
    nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE);
    const { main: command } = await import(
      isCheckout ? "./main.ts" : join("..", "dist", "cli", "main.js")
    );
    process.exitCode = await command(process.argv.slice(2));
    return;
  }
  const node = newerNode();
  if (node !== undefined) handOver(node);
  else {
    process.stderr.write(
      `Cannot run driftmend as Node 26 or newer is needed: this is ${process.version}. Install it (nodejs.org) and try again.\n`,
    );
    process.exitCode = 1;
  }
}

await main();

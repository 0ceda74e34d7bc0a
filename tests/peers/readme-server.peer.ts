/**
 * The lines of the README that attach a server, followed word for word with the Python of this machine: the
 * model is listed within seconds, and its document is proposed from what it sent.
 */
import { ok } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { systemClock } from "../../runtime/clock.ts";
import { startSystem } from "./support/running-system.ts";

const LISTED_WITHIN_MS = 30_000;
/** run.ts reads it as: the peer cannot be had here. */
const SKIPPED = 77;

if (spawnSync("python3", ["--version"]).status !== 0) {
  process.stdout.write("Cannot run the lines of the README as python3 is needed: there is none\n");
  process.exit(SKIPPED);
}
const readme = readFileSync(resolve(import.meta.dirname, "..", "..", "README.md"), "utf8");
const lines = /```python\n(.*?)```/s.exec(readme)?.[1] ?? "";
ok(lines.split("\n").length - 1 <= 16, "fifteen lines and one that is empty");
await using system = await startSystem();
// The README names the default port, which another system of this machine may have.
const program = lines.replace("http://127.0.0.1:4318", system.ready.otlpHttp);
const server = spawn("python3", ["-c", program], { stdio: "inherit" });
const ended = once(server, "exit");
try {
  const startedMs = systemClock.monotonicMs();
  while (!(await system.driftmend("model", "list")).includes("card-fraud")) {
    ok(systemClock.monotonicMs() - startedMs < LISTED_WITHIN_MS, "listed within 30 s");
  }
  const seconds = ((systemClock.monotonicMs() - startedMs) / 1000).toFixed(1);
  process.stdout.write(`listed after ${seconds} s\n`);
  while (!(await system.driftmend("model", "init", "card-fraud")).includes("labels are")) {
    ok(
      systemClock.monotonicMs() - startedMs < 4 * LISTED_WITHIN_MS,
      "labels are seen within 2 min",
    );
  }
  const proposed = await system.driftmend("model", "init", "card-fraud");
  for (const part of [
    "amount_eur: { type: numeric",
    "country: { type: categorical",
    "type: binary",
  ]) {
    ok(proposed.includes(part), `the proposal has "${part}":\n${proposed}`);
  }
} finally {
  server.kill();
  await ended;
}

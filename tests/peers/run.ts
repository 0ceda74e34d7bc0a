/**
 * `npm run test:peers`: proves what other programs must agree with, each tests/peers/*.peer.ts a program of
 * its own. It fetches its peers into .cache/peers; one that cannot be had exits 77 and says what is missing.
 * Arguments choose files by part of their name. The last line is "N passed, N failed, N skipped".
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const SKIPPED = 77;
const filters = process.argv.slice(2);
const files = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".peer.ts"))
  .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
  .sort();
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const file of files) {
  process.stdout.write(`\n${file}\n`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file)], {
    stdio: "inherit",
  });
  const outcome = status === 0 ? "passed" : status === SKIPPED ? "skipped" : "failed";
  counts[outcome]++;
  process.stdout.write(`${file}: ${outcome}\n`);
}
process.stdout.write(
  `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
);
process.exitCode = counts.failed === 0 ? 0 : 1;

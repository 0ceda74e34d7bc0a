/** A Python with the packages of a peer, in a cache of the checkout; says what it could not get. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const CACHE = resolve(import.meta.dirname, "..", "..", "..", ".cache", "peers");
/** run.ts reads it as: the peer cannot be had here. */
const SKIPPED = 77;

/** The folder of its programs. Ends the process where Python or a package cannot be had. */
export function pythonWith(packages: readonly string[]): string {
  const name = createHash("sha256").update(packages.join("\n")).digest("hex").slice(0, 12);
  const folder = join(CACHE, `python-${name}`);
  const programs = join(folder, "bin");
  const done = join(folder, "installed");
  if (existsSync(done)) return programs;
  mkdirSync(CACHE, { recursive: true });
  process.stdout.write(`installing ${packages.join(", ")} into ${folder}\n`);
  attempt("make a virtual environment", "python3", ["-m", "venv", "--clear", folder]);
  attempt(`install ${packages.join(", ")}`, join(programs, "python"), [
    ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages],
  ]);
  writeFileSync(done, "");
  return programs;
}

function attempt(what: string, program: string, args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim().split("\n").at(-1) ?? "";
  process.stdout.write(
    `Cannot ${what} as Python 3.10 or newer and its packages are needed: ${reason}\n`,
  );
  process.exit(SKIPPED);
}

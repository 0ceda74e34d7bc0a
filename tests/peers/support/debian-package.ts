/** Programs of Debian packages without installing them: downloaded into a cache and unpacked there. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

const CACHE = resolve(import.meta.dirname, "..", "..", "..", ".cache", "peers");

/** Path of the program `name` of a package, or the reason why it cannot be had. */
export function debianProgram(
  pkg: string,
  name: string,
): { readonly path: string } | { readonly missing: string } {
  const root = join(CACHE, pkg);
  const path = join(root, "usr", "bin", name);
  if (existsSync(path)) return { path };
  const found = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
  if (found.status === 0) return { path: found.stdout.trim() };
  mkdirSync(root, { recursive: true });
  const download = spawnSync("apt-get", ["download", pkg], { cwd: root, encoding: "utf8" });
  const file = readdirSync(root).find((entry) => entry.endsWith(".deb"));
  if (download.status !== 0 || file === undefined) {
    return { missing: `${name}: not on the PATH, and "apt-get download ${pkg}" did not bring it` };
  }
  const unpack = spawnSync("dpkg", ["-x", file, "."], { cwd: root, encoding: "utf8" });
  return unpack.status === 0 && existsSync(path)
    ? { path }
    : { missing: `${name}: "dpkg -x ${file}" failed: ${unpack.stderr.trim()}` };
}

/**
 * A program that reads files below /usr/share of its package, as Debian's Alertmanager does: it sees them there
 * in a mount namespace of its own, and nothing is installed.
 */
export function withOwnShare(
  pkg: string,
  path: string,
): { readonly path: string; readonly args: readonly string[] } | { readonly missing: string } {
  const share = join(CACHE, pkg, "usr", "share");
  if (!existsSync(share)) return { path, args: [] };
  const args = ["-rm", "sh", "-c", `mount --bind "${share}" /usr/share && exec "$@"`, "sh"];
  const tried = spawnSync("unshare", [...args, "true"], { encoding: "utf8" });
  return tried.status === 0
    ? { path: "unshare", args: [...args, path] }
    : { missing: `${path}: needs user namespaces (unshare): ${tried.stderr.trim()}` };
}

/** Says what is missing and ends this peer as skipped. */
export function skip(reason: string): never {
  process.stdout.write(`skipped: ${reason}\n`);
  process.exit(77);
}

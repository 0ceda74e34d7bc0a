/** What processes made durable, as `fsync-log.c` wrote it down. */
import { execFileSync } from "node:child_process";
import { basename, dirname, join } from "node:path";

const SOURCE = join(import.meta.dirname, "fsync-log.c");

/** Compiles the library into `folder`; null where this machine has no C compiler, or is no Linux. */
export function compileFsyncLog(folder: string): string | null {
  const library = join(folder, "fsync-log.so");
  try {
    const args = ["-shared", "-fPIC", "-O1", "-w", "-o", library, SOURCE, "-ldl"];
    execFileSync("cc", args, { stdio: "ignore" });
  } catch {
    return null;
  }
  return process.platform === "linux" ? library : null;
}

export interface Durable {
  /** By path as files are called now: the size that was fsynced last. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Renames of which neither folder was fsynced since, newest last: a power cut may undo the newest of them. */
  readonly undoable: readonly { readonly from: string; readonly to: string }[];
}

/** Relative paths are of no process under test; they are left out. */
export function durableState(log: string): Durable {
  const files = new FileSizes();
  let undoable: { from: string; to: string }[] = [];
  for (const line of log.split("\n")) {
    const rest = line.slice(2);
    if (line.startsWith("S ")) {
      const space = rest.indexOf(" ");
      files.set(rest.slice(space + 1), Number(rest.slice(0, space)));
    } else if (line.startsWith("D ")) {
      undoable = undoable.filter(({ from, to }) => dirname(to) !== rest && dirname(from) !== rest);
    } else if (line.startsWith("R ")) {
      const [from = "", to = ""] = rest.split("\t").map(withoutSlash);
      if (!from.startsWith("/") || !to.startsWith("/")) continue;
      files.rename(from, to);
      undoable = undoable.map((rename) => ({
        from: moved(rename.from, from, to),
        to: moved(rename.to, from, to),
      }));
      undoable.push({ from, to });
    }
  }
  return { sizes: files.all(), undoable };
}

/** Sizes by folder, since a log renames thousands of them. */
class FileSizes {
  private readonly folders = new Map<string, Map<string, number>>();
  private readonly below = new Map<string, Set<string>>();

  set(path: string, size: number): void {
    this.folderOf(dirname(path)).set(basename(path), size);
  }

  rename(from: string, to: string): void {
    const size = this.folders.get(dirname(from))?.get(basename(from));
    if (size !== undefined) {
      this.folders.get(dirname(from))?.delete(basename(from));
      this.set(to, size);
    }
    for (const child of this.below.get(from) ?? []) this.rename(child, moved(child, from, to));
    const files = this.folders.get(from);
    if (files === undefined) return;
    this.folders.delete(from);
    const target = this.folderOf(to);
    for (const [name, known] of files) target.set(name, known);
  }

  all(): Map<string, number> {
    const sizes = new Map<string, number>();
    for (const [folder, files] of this.folders) {
      for (const [name, size] of files) sizes.set(join(folder, name), size);
    }
    return sizes;
  }

  private folderOf(folder: string): Map<string, number> {
    const known = this.folders.get(folder);
    if (known !== undefined) return known;
    const files = new Map<string, number>();
    this.folders.set(folder, files);
    const parent = dirname(folder);
    this.below.set(parent, (this.below.get(parent) ?? new Set()).add(folder));
    return files;
  }
}

function moved(path: string, from: string, to: string): string {
  return path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : path;
}

function withoutSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

/**
 * Node 26 needs libatomic.so.1, which a small Linux without a compiler lacks. On Debian and Ubuntu the
 * package manager gives the file to any user; it stays in the cache, and nothing is installed.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Unsuccessful, run, step } from "./say.mjs";

const NAME = "libatomic.so.1";

/** The folder of the fetched library, or undefined where none was needed. */
export function libraryFolder(cache) {
  const folder = join(cache, "lib");
  return existsSync(join(folder, NAME)) ? folder : undefined;
}

/** Lets every process that we start from now on find the fetched library. */
export function useLibraries(cache) {
  const folder = libraryFolder(cache);
  if (folder === undefined) return;
  const others = (process.env.LD_LIBRARY_PATH ?? "").split(":").filter((one) => one !== folder);
  process.env.LD_LIBRARY_PATH = [folder, ...others].filter((one) => one !== "").join(":");
}

/** @param {string} cache */
export async function fetchLibatomic(cache) {
  await step("libatomic for Node 26, by apt-get download", async () => {
    const folder = mkdtempSync(join(tmpdir(), "driftmend-libatomic-"));
    try {
      const download = () => run("apt-get", ["download", "libatomic1"], { cwd: folder });
      let downloaded = await download();
      if (!downloaded.ok && process.getuid?.() === 0) {
        await run("apt-get", ["update", "-qq"], { timeoutMs: 120_000 });
        downloaded = await download();
      }
      const archive = readdirSync(folder).find((name) => name.endsWith(".deb"));
      if (archive === undefined) throw missing(downloaded.stderr.trim().slice(-300));
      const unpacked = await run("dpkg-deb", ["-x", archive, "."], { cwd: folder });
      const library = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((name) =>
        name.endsWith(`/${NAME}`),
      );
      if (library === undefined) throw missing(unpacked.stderr.trim().slice(-300));
      mkdirSync(join(cache, "lib"), { recursive: true });
      copyFileSync(join(folder, library), join(cache, "lib", NAME));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  useLibraries(cache);
}

function missing(state) {
  return new Unsuccessful(
    `Cannot run Node 26 as ${NAME} must be there, and it could not be fetched: ${state}\n` +
      "Install it (Debian, Ubuntu: apt-get install libatomic1; Fedora: dnf install libatomic) and try again.",
  );
}

/** The Chromium that tests drive: the system's own, or Debian's, installed where we are root; never a download of ours. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Path of a Chromium; installs Debian's where that may be done. @throws {Error} with what to install */
export function findChromium(): string {
  const found = chromiumOfThisMachine();
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && isRunnable("/usr/bin/apt-get")) {
    process.stderr.write("Installing Debian's Chromium for the browser tests …\n");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    spawnSync("apt-get", ["update", "-qq"], { env, stdio: "ignore" });
    const args = ["install", "-y", "-qq", "--no-install-recommends", "chromium"];
    const { status, stderr } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    const installed = chromiumOfThisMachine();
    if (installed !== undefined) return installed;
    throw new Error(`Cannot install Chromium: apt-get ended with ${status}\n${stderr}`);
  }
  throw new Error(
    "Cannot find Chromium: install it (Debian, Ubuntu: apt-get install chromium; macOS: brew install --cask chromium), or name it by CHROMIUM_PATH",
  );
}

function chromiumOfThisMachine(): string | undefined {
  const named = process.env["CHROMIUM_PATH"];
  if (named !== undefined && named !== "") return named;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const mac = "/Applications/Chromium.app/Contents/MacOS/Chromium";
  const places = [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), mac];
  return places.find(isRunnable);
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

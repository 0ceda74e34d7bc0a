/** One set-up at a time per checkout: `npm start` and `npm test` may be typed in two terminals at once. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Unsuccessful, say } from "./say.mjs";

const WAIT_MS_MAX = 10 * 60_000;
const TAKEOVER_MS_MAX = 5_000;

/**
 * @param {string} file
 * @returns {Promise<() => void>} how to release it
 */
export async function holdLock(file) {
  mkdirSync(dirname(file), { recursive: true });
  const deadline = performance.now() + WAIT_MS_MAX;
  for (let told = false; ; told = true) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = holderOf(file);
    if (!isAlive(holder)) {
      removeStale(file);
      continue;
    }
    if (performance.now() > deadline) {
      throw new Unsuccessful(
        `Cannot set up as no other set-up may run: process ${holder} still does. Wait for it, or remove "${file}".`,
      );
    }
    if (!told) say(`waiting for process ${holder}, which is setting up this checkout`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Pid in the lock; 0 when it has just been released. */
function holderOf(file) {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return 0;
  }
}

/**
 * Removes the lock of a dead process. Only one does so at a time and looks again first: else two that saw
 * the same dead holder could remove each other's fresh lock.
 */
function removeStale(file) {
  const guard = `${file}.takeover`;
  try {
    writeFileSync(guard, "", { flag: "wx" });
  } catch {
    const { mtimeMs = 0 } = statSync(guard, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > TAKEOVER_MS_MAX) rmSync(guard, { force: true });
    return;
  }
  if (!isAlive(holderOf(file))) rmSync(file, { force: true });
  rmSync(guard, { force: true });
}

/** @param {number} pid */
function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

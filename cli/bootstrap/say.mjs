/** What the set-up shows on stderr: lines, and for long steps the seconds that they took so far. */
import { spawn } from "node:child_process";

/** A failure that a person can act on: its message is all that is shown. */
export class Unsuccessful extends Error {}

/** @param {string} text */
export function say(text) {
  process.stderr.write(`driftmend set-up: ${text}\n`);
}

/**
 * Says what begins and how long it took; in between the time (in place on a terminal, else each 15 s).
 * @template T
 * @param {string} text
 * @param {(progress: (state: string) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(text, work) {
  const started = performance.now();
  const onTerminal = process.stderr.isTTY === true;
  let state = "";
  say(`${text} …`);
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(0)} s`;
  const timer = setInterval(
    () => {
      const line = `  ${seconds()}${state === "" ? "" : `, ${state}`}`;
      process.stderr.write(onTerminal ? `\r\x1b[K${line}` : `${line}\n`);
    },
    onTerminal ? 500 : 15_000,
  );
  try {
    const result = await work((next) => {
      state = next;
    });
    process.stderr.write(`${onTerminal ? "\r\x1b[K" : ""}  done in ${seconds()}\n`);
    return result;
  } finally {
    clearInterval(timer);
  }
}

/**
 * Runs a program and answers what it wrote; never throws.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options]
 * @returns {Promise<{ ok: boolean, stdout: string, stderr: string }>}
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: options.cwd,
      env: options.env ?? process.env,
      timeout: options.timeoutMs,
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.once("error", (error) => resolve({ ok: false, stdout, stderr: String(error) }));
    child.once("close", (code) => resolve({ ok: code === 0, stdout, stderr }));
  });
}

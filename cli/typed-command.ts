/**
 * Commands in what is printed, as they must be typed where this program was started: with `npx` in a
 * checkout, and with the --data-dir that was given. Services write `driftmend why a1`, which they cannot know.
 */
import { basename, relative, resolve } from "node:path";
import type { Environment } from "../runtime/env.ts";
import { isCheckout, root } from "./places.ts";

export interface HowTyped {
  /** "driftmend", "npx driftmend", or the path of the program. */
  readonly program: string;
  /** " --data-dir /tmp/try", or nothing. */
  readonly option: string;
}

export interface Started {
  /** How the program was named: argv[1]. */
  readonly script: string;
  readonly workingFolder: string;
  /** npm_command of the environment: "exec" under npx. */
  readonly npmCommand: string | undefined;
  readonly dataDir: string | undefined;
}

/** As this process was started. */
export const typedHere = (env: Environment, dataDir: unknown): HowTyped =>
  howTyped({
    script: process.argv[1] ?? "driftmend",
    workingFolder: process.cwd(),
    npmCommand: env["npm_command"],
    dataDir: typeof dataDir === "string" ? dataDir : undefined,
  });

export function howTyped(started: Started, checkout = isCheckout ? root : null): HowTyped {
  const { dataDir } = started;
  const option = dataDir === undefined ? "" : ` --data-dir ${quoted(dataDir)}`;
  return { program: programOf(started, checkout), option };
}

function programOf(
  { script, workingFolder, npmCommand }: Started,
  checkout: string | null,
): string {
  if (checkout !== null) {
    return isWithin(workingFolder, checkout)
      ? "npx driftmend"
      : `node ${quoted(resolve(checkout, "cli", "driftmend.mjs"))}`;
  }
  if (npmCommand === "exec") return "npx driftmend";
  return basename(script) === "driftmend" ? "driftmend" : `node ${quoted(script)}`;
}

const isWithin = (folder: string, outer: string): boolean =>
  !relative(outer, resolve(folder)).startsWith("..");
const quoted = (path: string): string => (/^[\w./:@+-]+$/.test(path) ? path : JSON.stringify(path));

/** Commands that take no --data-dir, or start a system instead of asking one. */
const ALONE = /^(up|agent|collector|analyzer|retrainer|gateway|migrate)\b/;

/** Commands in quotes, and lines that are one, as they must be typed; everything else as it is. */
export function asTyped(text: string, { program, option }: HowTyped): string {
  const whole = (words: string): string => `${program} ${words}${ALONE.test(words) ? "" : option}`;
  return text
    .replaceAll(/"(?:npx )?driftmend ([a-z][^"\n]*)"/g, (_, words: string) => `"${whole(words)}"`)
    .replace(
      /^(\s*)driftmend ([a-z].*)$/,
      (_, indent: string, words: string) => indent + whole(words),
    );
}

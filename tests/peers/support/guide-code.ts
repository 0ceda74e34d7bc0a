/** The programs that a guide shows, as they stand there: what is tested is what a reader copies. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const DOCS = resolve(import.meta.dirname, "..", "..", "..", "docs");
/** A block of code whose first line names its file in a comment. */
const NAMED = /```[a-z]+\n(?:#|\/\/) ([A-Za-z0-9_./-]+)\n(.*?)```/gs;

/** Text of each named file of a guide. */
export function guideFiles(guide: string): ReadonlyMap<string, string> {
  const page = readFileSync(join(DOCS, guide), "utf8");
  return new Map([...page.matchAll(NAMED)].map(([, name = "", text = ""]) => [name, text]));
}

/** Writes them into `folder`, changed by `change` where the guide says how. */
export function writeGuideFiles(
  guide: string,
  folder: string,
  change: (text: string) => string = (text) => text,
): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of guideFiles(guide)) writeFileSync(join(folder, name), change(text));
}

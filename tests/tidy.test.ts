import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type SourceFile,
  addressesInLockFile,
  bannedTexts,
  forbiddenImports,
  shapeOfFile,
  undocumentedErrors,
} from "./tidy/rules.ts";

const ROOT = resolve(import.meta.dirname, "..");
const LEFT_OUT = new Set(["node_modules", "dist", ".git", ".cache", ".driftmend", "coverage"]);

function filesUnder(folder: string, ending: RegExp): SourceFile[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return LEFT_OUT.has(entry.name) ? [] : filesUnder(path, ending);
    if (!entry.isFile() || !ending.test(entry.name)) return [];
    return [{ path, text: readFileSync(join(ROOT, path), "utf8") }];
  });
}

const sources = filesUnder("", /\.(?:tsx?|mjs|py|sql)$/);
const code = sources.filter(({ path }) => /\.(?:tsx?|mjs)$/.test(path));

describe("the repository", () => {
  it("has sources to check", () => {
    expect(code.length).toBeGreaterThan(50);
  });

  it("imports one way", () => {
    expect(code.flatMap(forbiddenImports)).toEqual([]);
  });

  it("contains nothing that is banned", () => {
    const texts = [...sources, ...filesUnder("", /\.(?:md|json|ya?ml|sh)$/)].filter(
      ({ path }) => path !== "package-lock.json" && !path.startsWith("tests/reference/"),
    );
    expect(texts.flatMap(bannedTexts)).toEqual([]);
  });

  it("consists of small files with a reason and a name", () => {
    expect(code.flatMap(shapeOfFile)).toEqual([]);
  });

  it("has a lock file without addresses", () => {
    const lock = readFileSync(join(ROOT, "package-lock.json"), "utf8");
    expect(addressesInLockFile(lock)).toEqual([]);
  });

  it("explains every error code in docs/errors.md", () => {
    const page = readFileSync(join(ROOT, "docs", "errors.md"), "utf8");
    expect(undocumentedErrors(code, page)).toEqual([]);
  });
});

describe("what the rules say", () => {
  const file = (path: string, text: string): SourceFile => ({ path, text });

  it("about imports against the direction, however they are written", () => {
    const text = [
      'import type { A } from "../store/client.ts";',
      'const b = await import("../collector/main.ts");',
      'new Worker(new URL("../stats/worker.ts", import.meta.url));',
      'import { c } from "../contract/limits.ts";',
      'import { d } from "./spool.ts";',
    ].join("\n");
    expect(forbiddenImports(file("agent/main.ts", text))).toEqual([
      'agent/main.ts: import of "../store/client.ts" is forbidden, agent/ imports contract/, runtime/',
      'agent/main.ts: import of "../collector/main.ts" is forbidden, agent/ imports contract/, runtime/',
      'agent/main.ts: import of "../stats/worker.ts" is forbidden, agent/ imports contract/, runtime/',
    ]);
    expect(forbiddenImports(file("tests/agent/x.test.ts", text))).toEqual([]);
  });

  it("about clocks, chance, the environment and unfinished work", () => {
    const text = [
      "const now = Date.now();",
      " * Date.now() in a comment is fine",
      "Math.random() < 0.5",
      "process.env.PORT",
      ["// TO", "DO later"].join(""),
      ["it.on", 'ly("x")'].join(""),
    ].join("\n");
    expect(bannedTexts(file("store/x.ts", text))).toEqual([
      "store/x.ts:1: Date.now( is banned, use clock.nowMs()",
      "store/x.ts:3: Math.random( is banned, use an injected random source",
      "store/x.ts:4: process.env is banned, use processEnvironment() of runtime/env.ts, handed in",
      "store/x.ts:5: a note of unfinished work is banned, use finished work, or an issue",
      "store/x.ts:6: a focused or skipped test is banned, use skipIf with a reason, or no test",
    ]);
    expect(bannedTexts(file("runtime/clock.ts", "Date.now()"))).toEqual([]);
  });

  it("about machines and registries", () => {
    const text = ['open("/root/file")', ["https://registry.npm", "js.org/x"].join("")].join("\n");
    expect(bannedTexts(file("docs/x.md", text))).toEqual([
      "docs/x.md:1: an absolute path of somebody's machine is banned, use a path relative to the checkout or a temporary folder",
      "docs/x.md:2: the host of a package registry is banned, use the package manager's own configuration",
    ]);
    expect(addressesInLockFile('"resolved": "https://x/y.tgz"')).toEqual([
      "package-lock.json: 1 addresses, set omit-lockfile-registry-resolved and write it again",
    ]);
  });

  it("about length, beginnings and names", () => {
    expect(shapeOfFile(file("cli/utils/readThis.ts", "x\n".repeat(401)))).toEqual([
      "cli/utils/readThis.ts: 401 lines, at most 400: cut it where its story ends",
      "cli/utils/readThis.ts: begin with a module comment that says why the file exists",
      'cli/utils/readThis.ts: "utils" says nothing, name the folder or file after its story',
      'cli/utils/readThis.ts: "readThis" is not kebab-case',
    ]);
    expect(shapeOfFile(file("cli/main.ts", "/** Why. */\n"))).toEqual([]);
  });

  it("about errors that nobody explains", () => {
    const thrown = file("store/x.ts", 'throw new DriftmendError(\n  "disk_full", {})');
    expect(undocumentedErrors([thrown], "## gone_error\n")).toEqual([
      'store/x.ts: error "disk_full" needs a heading in docs/errors.md',
      'docs/errors.md: nothing throws "gone_error", remove its heading',
    ]);
    expect(undocumentedErrors([thrown], "## disk_full\n")).toEqual([]);
  });
});

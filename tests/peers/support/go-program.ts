/** Builds the small Go programs of the peers in a cache of the checkout, with the modules that they name. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { processEnvironment } from "../../../runtime/env.ts";

const CACHE = resolve(import.meta.dirname, "..", "..", "..", ".cache", "peers");
const BUILD_MS_MAX = 1_800_000;

export type Program = { readonly path: string } | { readonly missing: string };

function goCommand(): string | undefined {
  const candidates = ["go", "/usr/local/go/bin/go", "/usr/lib/go/bin/go"];
  return candidates.find((path) => spawnSync(path, ["version"]).status === 0);
}

function build(folder: string, name: string, what = "."): Program {
  const go = goCommand();
  if (go === undefined) return { missing: `${name}: no "go" on the PATH (Debian: golang-go)` };
  const path = join(folder, name);
  const { status, stderr } = spawnSync(
    go,
    ["build", "-mod=mod", "-buildvcs=false", "-o", path, what],
    {
      cwd: folder,
      encoding: "utf8",
      timeout: BUILD_MS_MAX,
      env: { ...processEnvironment(), GOFLAGS: "" },
    },
  );
  return status === 0 ? { path } : { missing: `${name}: go build says ${lastLine(stderr)}` };
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "nothing";

/**
 * A program of this folder with its own go.mod: its code stands there too, or is `files`, or is the package `main` of a
 * module that go.mod names. `as` names the folder in the cache where one is built in several ways.
 */
export function goProgram(
  name: string,
  {
    files = new Map(),
    main,
    as = name,
  }: {
    readonly files?: ReadonlyMap<string, string>;
    readonly main?: string;
    readonly as?: string;
  } = {},
): Program {
  const folder = join(CACHE, as);
  mkdirSync(folder, { recursive: true });
  cpSync(join(import.meta.dirname, "..", name), folder, { recursive: true });
  for (const [file, text] of files) writeFileSync(join(folder, file), text);
  return build(folder, as, main);
}

/**
 * The program that runs the plugin's own backend. Its module has no versions that Go's proxy would serve
 * everywhere: where it does not, a checkout named by CLICKHOUSE_PLUGIN_SOURCE is used.
 */
export function pluginProgram(version: string): Program {
  const name = "clickhouse-plugin";
  const module = "github.com/grafana/clickhouse-datasource";
  const source = processEnvironment()["CLICKHOUSE_PLUGIN_SOURCE"];
  const folder = join(CACHE, name);
  mkdirSync(folder, { recursive: true });
  cpSync(join(import.meta.dirname, "..", name), folder, { recursive: true });
  const head = "module example.org/driftmend/clickhouse-plugin\n\ngo 1.23.5\n\n";
  if (source === undefined) {
    const go = goCommand();
    if (go === undefined) return build(folder, name);
    writeFileSync(join(folder, "go.mod"), head);
    const got = spawnSync(go, ["get", `${module}@${version}`], { cwd: folder, encoding: "utf8" });
    if (got.status !== 0) {
      return {
        missing: `${name}: its module cannot be had (${lastLine(got.stderr)}); set CLICKHOUSE_PLUGIN_SOURCE to a checkout of ${module}`,
      };
    }
    return build(folder, name);
  }
  const replaced = `require ${module} v0.0.0\n\nreplace ${module} => ${resolve(source)}\n`;
  writeFileSync(join(folder, "go.mod"), head + replaced);
  const sums = join(source, "go.sum");
  if (existsSync(sums)) cpSync(sums, join(folder, "go.sum"));
  return build(folder, name);
}

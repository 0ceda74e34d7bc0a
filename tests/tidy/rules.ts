/**
 * The house rules that a program can check, as pure functions from files to complaints of the form
 * "path: what is wrong, what to do". tests/tidy.test.ts runs them over the repository.
 */
import { dirname, join, normalize } from "node:path/posix";

export interface SourceFile {
  /** Relative to the root of the checkout, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const SERVICES = ["agent", "collector", "analyzer", "retrainer"] as const;
const BELOW_SERVICES = ["contract", "stats", "runtime", "store"];

/** Which folders a folder may import; itself always. Imports point one way. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  stats: [],
  runtime: ["contract", "stats"],
  store: ["contract", "stats", "runtime"],
  agent: ["contract", "runtime"],
  collector: BELOW_SERVICES,
  analyzer: BELOW_SERVICES,
  retrainer: BELOW_SERVICES,
  cli: [...BELOW_SERVICES, ...SERVICES],
  examples: BELOW_SERVICES,
  console: ["contract"],
  deploy: ["contract", "stats"],
};

const IMPORT = /(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+|new URL\(\s*)"(\.{1,2}\/[^"]+)"/g;

/** Imports against the direction of the architecture. */
export function forbiddenImports(file: SourceFile): string[] {
  const folder = file.path.split("/")[0] ?? "";
  const allowed = MAY_IMPORT[folder];
  if (allowed === undefined) return [];
  return [...file.text.matchAll(IMPORT)].flatMap(([, specifier = ""]) => {
    const target = normalize(join(dirname(file.path), specifier)).split("/")[0] ?? "";
    if (target === folder || allowed.includes(target) || !target.match(/^[a-z]+$/)) return [];
    const list = allowed.map((name) => `${name}/`).join(", ");
    return [
      `${file.path}: import of "${specifier}" is forbidden, ${folder}/ imports ${list === "" ? "no other folder" : list}`,
    ];
  });
}

interface Ban {
  readonly pattern: RegExp;
  readonly name: string;
  readonly instead: string;
  /** Paths that may. */
  readonly except: RegExp;
}

const NOWHERE = /^$/;
const BANS: readonly Ban[] = [
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)/,
    name: "Date.now(",
    instead: "clock.nowMs()",
    except: /^(?:runtime|console)\/clock\.ts$|^tests\/|\.mjs$|^docs\/attach\//,
  },
  {
    pattern: /\bMath\.random\(/,
    name: "Math.random(",
    instead: "an injected random source",
    except: NOWHERE,
  },
  {
    pattern: /\bprocess\.env\b/,
    name: "process.env",
    instead: "processEnvironment() of runtime/env.ts, handed in",
    // The guides show programs of users, who have neither.
    except: /^runtime\/env\.ts$|^tests\/|^cli\/.*\.mjs$|^docs\/attach\//,
  },
  {
    pattern: /\buserInfo\(/,
    name: "userInfo(",
    instead: "process.getuid?.(): a user in a container often has no name, and asking fails",
    except: NOWHERE,
  },
  {
    pattern: /\b(?:TO[D]O|FIX[M]E)\b/,
    name: "a note of unfinished work",
    instead: "finished work, or an issue",
    except: NOWHERE,
  },
  {
    pattern: /\b(?:it|test|describe)\.(?:only|skip|todo)\b/,
    name: "a focused or skipped test",
    instead: "skipIf with a reason, or no test",
    except: NOWHERE,
  },
  {
    pattern: /\bexport \* from\b/,
    name: '"export *"',
    instead: "explicit names",
    except: NOWHERE,
  },
  {
    pattern: /["'`( ]\/(?:root|home\/[a-z]+|work|Users\/[A-Za-z]+)\//,
    name: "an absolute path of somebody's machine",
    instead: "a path relative to the checkout or a temporary folder",
    except: NOWHERE,
  },
  {
    pattern:
      /registry\.(?:npmjs|yarnpkg)\.|(?:^|[/.])pypi\.org|pythonhosted\.org|proxy\.golang\.org/,
    name: "the host of a package registry",
    instead: "the package manager's own configuration",
    except: NOWHERE,
  },
];

/** Texts that nothing may contain, line by line; comments may name what code may not call, tests are rims. */
export function bannedTexts(file: SourceFile): string[] {
  if (file.path.startsWith("tests/tidy")) return [];
  return file.text.split("\n").flatMap((line, index) => {
    const isComment = /^\s*(?:\*|\/\/|\/\*)/.test(line);
    return BANS.filter(
      (ban) =>
        ban.pattern.test(line) &&
        !ban.except.test(file.path) &&
        !(isComment && /^(?:Date|Math|process)/.test(ban.name)),
    ).map((ban) => `${file.path}:${index + 1}: ${ban.name} is banned, use ${ban.instead}`);
  });
}

const LINES_MAX = 400;

/** Length, the module comment, and names that say nothing. */
export function shapeOfFile(file: SourceFile): string[] {
  const complaints: string[] = [];
  const lines = file.text.split("\n").length - 1;
  if (lines > LINES_MAX) {
    complaints.push(
      `${file.path}: ${lines} lines, at most ${LINES_MAX}: cut it where its story ends`,
    );
  }
  const isTest = file.path.endsWith(".test.ts");
  if (!isTest && !/^(?:#![^\n]*\n)?\/\*\*/.test(file.text)) {
    complaints.push(`${file.path}: begin with a module comment that says why the file exists`);
  }
  const parts = file.path.replace(/(\.test)?\.(?:m?ts|tsx)$|\.mjs$/, "").split("/");
  for (const part of parts) {
    if (/^(?:utils?|common|helpers?)$/.test(part)) {
      complaints.push(
        `${file.path}: "${part}" says nothing, name the folder or file after its story`,
      );
    }
    if (!/^[a-z0-9]+(?:[-.][a-z0-9]+)*$/.test(part)) {
      complaints.push(`${file.path}: "${part}" is not kebab-case`);
    }
  }
  return complaints;
}

/** A lock file with addresses works only where they can be reached. */
export function addressesInLockFile(text: string): string[] {
  const count = text.match(/"resolved": "https?:/g)?.length ?? 0;
  return count === 0
    ? []
    : [
        `package-lock.json: ${count} addresses, set omit-lockfile-registry-resolved and write it again`,
      ];
}

const ERROR_CODE = /new DriftmendError\(\s*"([a-z0-9_]+)"/g;

/** Codes that are thrown without a heading in docs/errors.md, and headings of codes that nothing throws. */
export function undocumentedErrors(files: readonly SourceFile[], errorsPage: string): string[] {
  const headings = new Set(
    [...errorsPage.matchAll(/^##+ `?([a-z0-9_]+)`?\s*$/gm)].map(([, code]) => code),
  );
  const thrown = new Map<string, string>();
  for (const file of files.filter(({ path }) => !path.startsWith("tests/"))) {
    for (const [, code = ""] of file.text.matchAll(ERROR_CODE)) thrown.set(code, file.path);
  }
  const all = files.map(({ text }) => text).join("\n");
  return [
    ...[...thrown]
      .filter(([code]) => !headings.has(code))
      .map(([code, path]) => `${path}: error "${code}" needs a heading in docs/errors.md`),
    ...[...headings]
      .filter((code) => code !== undefined && !all.includes(`"${code}"`))
      .map((code) => `docs/errors.md: nothing throws "${code}", remove its heading`),
  ];
}

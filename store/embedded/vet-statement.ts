/**
 * What a reading account may run. The engine here has no users and its `readonly` still reads
 * files, so each statement is judged by its syntax tree: one statement, of a kind that only reads,
 * that calls no table function off the list and sets nothing off the list. What is judged is what
 * is run: the statement as the engine itself printed it, without comments or doubtful quoting.
 */
import { type EngineException, exception } from "./exception.ts";
import { lexSql } from "./lex-sql.ts";
import { limitProblem } from "./reader-limits.ts";
import { readerProblem } from "./settings.ts";

export type Verdict =
  | { readonly kind: "allowed" }
  | { readonly kind: "refused"; readonly error: EngineException };

/** First words of the trees of statements that only read. */
const READING_ROOTS: ReadonlySet<string> = new Set([
  "SelectWithUnionQuery",
  "SelectIntersectExceptQuery",
  "SelectQuery",
  "ShowTables",
  "ShowColumns",
  "ShowFunctions",
  "ShowIndexes",
  "ShowSetting",
  "ShowEngineQuery",
  "ShowCreateTableQuery",
  "ShowCreateViewQuery",
  "ShowCreateDatabaseQuery",
  "DescribeQuery",
  "ExistsTableQuery",
  "ExistsViewQuery",
  "ExistsDatabaseQuery",
  "ExistsDictionaryQuery",
  "Explain",
]);

const READING_TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  "format",
  "generate_series",
  "generaterandom",
  "generateseries",
  "merge",
  "null",
  "numbers",
  "numbers_mt",
  "primes",
  "values",
  "view",
  "zeros",
  "zeros_mt",
]);

/** Ordinary functions that reach outside the tables. */
const OUTSIDE_FUNCTIONS: ReadonlySet<string> = new Set([
  "catboostevaluate",
  "demangle",
  "file",
  "hascolumnintable",
  "addresstoline",
  "addresstolinewithinlines",
  "addresstosymbol",
]);

/**
 * @param tree what EXPLAIN AST prints for the statement
 * @param canonical the statement as formatQuery() prints it
 * @param tableFunctions every table function that the engine has
 * @param allowed more of them, in small letters, that this account may call
 */
export function vetStatement(
  tree: string,
  canonical: string,
  tableFunctions: ReadonlySet<string>,
  allowed: ReadonlySet<string> = new Set(),
): Verdict {
  const root = /^\w+/.exec(tree.trimStart())?.[0] ?? "";
  if (!READING_ROOTS.has(root)) return refuse(`this account may only read, not run a ${root}`);
  const inner = /^Explain[^\n]*\n\s*(\w+)/.exec(tree.trimStart())?.[1];
  if (inner !== undefined && !READING_ROOTS.has(inner)) {
    return refuse(`this account may only explain what reads, not a ${inner}`);
  }
  const known = new Set([...tableFunctions].map((name) => name.toLowerCase()));
  for (const match of tree.matchAll(/^\s*Function (\S+)/gm)) {
    const name = (match[1] ?? "").toLowerCase();
    if (READING_TABLE_FUNCTIONS.has(name) || allowed.has(name)) continue;
    if (known.has(name) || OUTSIDE_FUNCTIONS.has(name)) {
      return refuse(`this account may not call the function "${match[1]}"`);
    }
  }
  return vetWords(canonical);
}

function vetWords(canonical: string): Verdict {
  const tokens = [...lexSql(Buffer.from(canonical, "utf8").toString("latin1"))];
  const word = (at: number): string => {
    const token = tokens[at];
    return token?.kind === "word" ? token.text.toUpperCase() : (token?.text ?? "");
  };
  for (let i = 0; i < tokens.length; i++) {
    if (word(i) === ";") return refuse("this account may send one statement at a time");
    if (word(i) === "OUTFILE" && word(i - 1) === "INTO") {
      return refuse("this account may not write files");
    }
    if (word(i) !== "SETTINGS" || word(i + 2) !== "=") continue;
    for (let at = i + 1; word(at + 1) === "="; ) {
      const next = nextAssignment(word, at, tokens.length);
      const name = (tokens[at]?.text ?? "").replaceAll("`", "");
      const value = tokens.slice(at + 2, next).map(({ text }) => text);
      const said = value.join(" ");
      const problem = readerProblem(name, said) ?? limitProblem(name, said);
      if (problem !== undefined) return refuse(`this account may not ${problem}`);
      at = next;
    }
  }
  return { kind: "allowed" };
}

/** The token after the comma that ends the assignment at `at`, or past the end. */
function nextAssignment(word: (at: number) => string, at: number, end: number): number {
  let depth = 0;
  for (let i = at + 2; i < end; i++) {
    if ("([{".includes(word(i))) depth += 1;
    if (")]}".includes(word(i))) depth -= 1;
    if (depth < 0) return end;
    if (depth === 0 && word(i) === ",") return i + 1;
  }
  return end;
}

function refuse(reason: string): Verdict {
  return { kind: "refused", error: exception("ACCESS_DENIED", `Not enough privileges: ${reason}`) };
}

/**
 * What a request's text asks for, decided from its words alone. The endpoint must know three things
 * before the engine sees it: where an INSERT's data begins, which output format is wanted, and that
 * it is one statement.
 */
import { type EngineException, exception } from "./exception.ts";
import { type Token, lexSql } from "./lex-sql.ts";

export type Statement =
  | { readonly kind: "select"; readonly sql: string; readonly format: string | undefined }
  /** SHOW, DESCRIBE, EXISTS, EXPLAIN, CHECK: small answers that the engine cannot stream. */
  | { readonly kind: "show"; readonly sql: string; readonly format: string | undefined }
  | {
      readonly kind: "insert-data";
      /** "INSERT INTO t (a, b)" */
      readonly target: string;
      /** "a = 1, b = 2" of the statement's own SETTINGS, or "". */
      readonly settings: string;
      readonly format: string | undefined;
      readonly dataOffset: number;
    }
  | {
      readonly kind: "insert-input";
      /** The statement around the call of input(). */
      readonly before: string;
      readonly after: string;
      /** The SQL literal with the structure of the data, quotes included. */
      readonly structure: string;
      readonly format: string | undefined;
      readonly dataOffset: number;
    }
  | { readonly kind: "command"; readonly verb: string; readonly sql: string }
  | { readonly kind: "refused"; readonly error: EngineException };

const SHOWS = new Set(["SHOW", "DESC", "DESCRIBE", "EXISTS", "EXPLAIN", "CHECK"]);

/** @param source the request's text decoded as latin1 (offsets are bytes); may end within data */
export function parseStatement(source: string): Statement {
  const words = lexSql(source);
  const tokens: Token[] = [];
  // Not for…of: leaving one early would end the generator.
  for (let next = words.next(); next.done !== true; next = words.next()) {
    tokens.push(next.value);
    if (next.value.text !== "(") break;
  }
  const first = tokens.at(-1);
  if (first === undefined || first.text === "(") return refused("Empty query");
  const verb = first.kind === "word" ? first.text.toUpperCase() : "";
  if (verb === "INSERT") return parseInsert(source, [...tokens], words);
  tokens.push(...words);
  const problem = notOneStatement(tokens);
  if (problem !== undefined) return refused(problem);
  if (hasPhrase(tokens, "INTO", "OUTFILE")) {
    return { kind: "refused", error: exception("INTO_OUTFILE_NOT_ALLOWED", OUTFILE) };
  }
  if (verb === "SELECT" || verb === "WITH" || verb === "FROM") {
    return { kind: "select", ...splitFormat(source, tokens) };
  }
  if (SHOWS.has(verb)) return { kind: "show", ...splitFormat(source, tokens) };
  return { kind: "command", verb, sql: utf8(withoutSemicolon(source, tokens)) };
}

const OUTFILE = "INTO OUTFILE is not allowed over HTTP: read the response instead";

function refused(message: string): Statement {
  return { kind: "refused", error: exception("SYNTAX_ERROR", message) };
}

function notOneStatement(tokens: readonly Token[]): string | undefined {
  const last = tokens.at(-1);
  if (last?.kind === "unterminated") return "Syntax error: a quote or a comment is not closed";
  const end = tokens.findIndex((token) => token.text === ";");
  const more = end >= 0 && tokens.slice(end).some((token) => token.text !== ";");
  return more ? "Syntax error (Multi-statements are not allowed)" : undefined;
}

function hasPhrase(tokens: readonly Token[], first: string, second: string): boolean {
  return tokens.some((token, i) => isWord(token, first) && isWord(tokens[i + 1], second));
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === "word" && token.text.toUpperCase() === word;
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}

function withoutSemicolon(source: string, tokens: readonly Token[]): string {
  const end = tokens.find((token) => token.text === ";")?.start;
  return source.slice(0, end ?? source.length);
}

/**
 * Takes the output FORMAT out of a query: the last one at depth 0 that only SETTINGS may follow.
 */
function splitFormat(
  source: string,
  tokens: readonly Token[],
): { sql: string; format: string | undefined } {
  const end = tokens.find((token) => token.text === ";")?.start ?? source.length;
  const inside = tokens.filter((token) => token.start < end);
  let depth = 0;
  let found = -1;
  inside.forEach((token, i) => {
    depth += depthChange(token);
    if (depth !== 0 || !isWord(token, "FORMAT") || i === 0) return;
    const follows = inside[i + 2];
    const named = inside[i + 1]?.kind === "word";
    if (named && (follows === undefined || isWord(follows, "SETTINGS"))) found = i;
  });
  const keyword = inside[found];
  const name = inside[found + 1];
  if (keyword === undefined || name === undefined || found < 0) {
    return { sql: utf8(source.slice(0, end)), format: undefined };
  }
  const sql = `${source.slice(0, keyword.start)} ${source.slice(name.end, end)}`;
  return { sql: utf8(sql).trimEnd(), format: name.text };
}

function depthChange(token: Token): number {
  if (token.kind !== "symbol") return 0;
  if (token.text === "(" || token.text === "[" || token.text === "{") return 1;
  return token.text === ")" || token.text === "]" || token.text === "}" ? -1 : 0;
}

interface InsertMarks {
  selectAt: number | undefined;
  settings: Token | undefined;
  /** The tokens `input`, `(`, structure, `)`. */
  input: readonly Token[] | undefined;
  data: { keyword: Token; format: Token | undefined } | undefined;
  infile: boolean;
}

function parseInsert(source: string, tokens: Token[], words: Iterator<Token, void>): Statement {
  const marks = findInsertMarks(tokens, words);
  if (marks.infile)
    return refused("FROM INFILE is not allowed over HTTP: send the data as the body");
  if (marks.data === undefined && marks.selectAt !== undefined && marks.input === undefined) {
    const problem = notOneStatement(tokens);
    if (problem !== undefined) return refused(problem);
    return { kind: "command", verb: "INSERT", sql: utf8(withoutSemicolon(source, tokens)) };
  }
  const last = tokens.at(-1);
  if (last?.kind === "unterminated") return refused("Syntax error: a quote is not closed");
  const headEnd = marks.data?.keyword.start ?? source.length;
  const format = marks.data?.format?.text ?? (marks.data === undefined ? undefined : "Values");
  const dataOffset = dataStart(source, marks);
  if (marks.input !== undefined) {
    const [call, , structure, close] = marks.input;
    return {
      kind: "insert-input",
      before: utf8(source.slice(0, call?.start)),
      structure: utf8(structure?.text ?? ""),
      after: utf8(source.slice(close?.end, headEnd)),
      format,
      dataOffset,
    };
  }
  const targetEnd = marks.settings?.start ?? headEnd;
  const settings = marks.settings === undefined ? "" : source.slice(marks.settings.end, headEnd);
  return {
    kind: "insert-data",
    target: utf8(source.slice(0, targetEnd)).trim(),
    settings: utf8(settings).trim(),
    format,
    dataOffset,
  };
}

/** Reads tokens until the data begins (FORMAT x or VALUES outside parentheses) or the text ends. */
function findInsertMarks(tokens: Token[], words: Iterator<Token, void>): InsertMarks {
  const marks: InsertMarks = {
    selectAt: undefined,
    settings: undefined,
    input: undefined,
    data: undefined,
    infile: false,
  };
  let depth = 0;
  const read = (): Token | undefined => {
    const next = words.next();
    if (next.done === true) return undefined;
    tokens.push(next.value);
    return next.value;
  };
  // INSERT INTO [TABLE] <name>: a table may be called "values" or "format".
  let token = read();
  if (isWord(token, "INTO")) token = read();
  if (isWord(token, "TABLE")) token = read();
  if (isWord(token, "FUNCTION")) token = read();
  for (token = read(); token !== undefined; token = read()) {
    depth += depthChange(token);
    const previous = tokens.at(-2);
    if (previous?.text === "." || token.kind !== "word") continue;
    if (isWord(token, "INPUT")) marks.input ??= readInputCall(token, read, (by) => (depth += by));
    if (depth !== 0) continue;
    if (isWord(token, "SELECT") || isWord(token, "WITH")) marks.selectAt ??= token.start;
    if (isWord(token, "SETTINGS") && marks.selectAt === undefined) marks.settings = token;
    if (isWord(token, "INFILE") && isWord(previous, "FROM")) marks.infile = true;
    if (isWord(token, "VALUES") && marks.selectAt === undefined) {
      marks.data = { keyword: token, format: undefined };
      return marks;
    }
    const mayEnd = marks.selectAt === undefined || marks.input !== undefined;
    if (isWord(token, "FORMAT") && mayEnd && !isWord(previous, "AS")) {
      const format = read();
      marks.data = { keyword: token, format };
      return marks;
    }
  }
  return marks;
}

function readInputCall(
  call: Token,
  read: () => Token | undefined,
  deeper: (by: number) => void,
): readonly Token[] | undefined {
  const open = read();
  if (open?.text !== "(") {
    if (open !== undefined) deeper(depthChange(open));
    return undefined;
  }
  const structure = read();
  const close = read();
  if (structure?.kind === "string" && close?.text === ")") return [call, open, structure, close];
  deeper(1 + (close === undefined ? 0 : depthChange(close)));
  return undefined;
}

/** Data begins after the keyword and, for a named format, after blanks up to one line end. */
function dataStart(source: string, marks: InsertMarks): number {
  if (marks.data === undefined) return source.length;
  const after = marks.data.format?.end ?? marks.data.keyword.end;
  const blank = /[ \t\f]*(?:\r?\n)?/y;
  blank.lastIndex = after;
  blank.test(source);
  return blank.lastIndex;
}

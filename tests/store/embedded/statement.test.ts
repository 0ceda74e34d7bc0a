import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lexSql } from "../../../store/embedded/lex-sql.ts";
import { quoteIdentifier, quoteString } from "../../../store/embedded/quote-sql.ts";
import { insertFromFile } from "../../../store/embedded/run-insert.ts";
import { parseStatement } from "../../../store/embedded/statement.ts";

const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const parse = (text: string): ReturnType<typeof parseStatement> => parseStatement(latin1(text));

describe("where an INSERT's data begins", () => {
  it.each([
    ["INSERT INTO t FORMAT JSONEachRow\n{}", "INSERT INTO t", "", "JSONEachRow", "{}"],
    ["insert into db.t (a, `b c`) Format CSV\r\n1", "insert into db.t (a, `b c`)", "", "CSV", "1"],
    [
      "INSERT INTO t SETTINGS a = 1, b = 'x' FORMAT Native\n\n",
      "INSERT INTO t",
      "a = 1, b = 'x'",
      "Native",
      "\n",
    ],
    ["INSERT INTO values VALUES (1)", "INSERT INTO values", "", "Values", "(1)"],
    [
      "INSERT INTO db.format (values) VALUES (1)",
      "INSERT INTO db.format (values)",
      "",
      "Values",
      "(1)",
    ],
    [
      "INSERT INTO t /* FORMAT CSV */ (a) -- VALUES\nVALUES ('FORMAT x')",
      "INSERT INTO t /* FORMAT CSV */ (a) -- VALUES",
      "",
      "Values",
      "('FORMAT x')",
    ],
  ])("in %j", (text, target, settings, format, data) => {
    const statement = parse(text);
    expect(statement).toMatchObject({ kind: "insert-data", target, settings, format });
    expect(statement.kind === "insert-data" && text.slice(statement.dataOffset)).toBe(data);
  });

  it("after an input() whose SELECT says FORMAT elsewhere too", () => {
    const text =
      "INSERT INTO t SELECT a AS format, f(b) FROM input('a UInt8, b String') WHERE a > (1) FORMAT Native\nDATA";
    const statement = parse(text);
    expect(statement).toMatchObject({
      kind: "insert-input",
      before: "INSERT INTO t SELECT a AS format, f(b) FROM ",
      structure: "'a UInt8, b String'",
      after: " WHERE a > (1) ",
      format: "Native",
    });
    expect(statement.kind === "insert-input" && text.slice(statement.dataOffset)).toBe("DATA");
  });

  it("nowhere when the rows come from a SELECT", () => {
    expect(parse("INSERT INTO t SELECT values, format FROM s FORMAT Null;")).toMatchObject({
      kind: "command",
      verb: "INSERT",
    });
  });

  it("and the rewritten INSERT reads a file with the statement's own settings", () => {
    const statement = parse("INSERT INTO t (a) SETTINGS x = 1 FORMAT CSV\n1");
    if (statement.kind !== "insert-data") throw new Error("not an INSERT");
    expect(insertFromFile(statement, "CSV", "/tmp/f'1")).toBe(
      "INSERT INTO t (a) FROM INFILE '/tmp/f\\'1' COMPRESSION 'none' SETTINGS x = 1 FORMAT CSV",
    );
  });
});

describe("what a query is", () => {
  it.each([
    ["SELECT 1 FORMAT JSON", "select", "SELECT 1", "JSON"],
    [
      "SELECT 1 SETTINGS a = 1 FORMAT CSV SETTINGS b = 2 ;",
      "select",
      "SELECT 1 SETTINGS a = 1   SETTINGS b = 2",
      "CSV",
    ],
    [
      "(SELECT format FROM format) UNION ALL (SELECT 2)",
      "select",
      "(SELECT format FROM format) UNION ALL (SELECT 2)",
      undefined,
    ],
    ["WITH 1 AS format SELECT format", "select", "WITH 1 AS format SELECT format", undefined],
    ["-- a comment\nSHOW TABLES FORMAT TSV", "show", "-- a comment\nSHOW TABLES", "TSV"],
    ["desc table t", "show", "desc table t", undefined],
    ["SELECT 'ünï' FORMAT TSV", "select", "SELECT 'ünï'", "TSV"],
  ])("%j", (text, kind, sql, format) => {
    expect(parse(text)).toEqual({ kind, sql, format });
  });

  it.each([
    ["SELECT 1; SELECT 2", "SYNTAX_ERROR"],
    ["SELECT 1 INTO /* x */ OUTFILE 'f'", "INTO_OUTFILE_NOT_ALLOWED"],
    ["INSERT INTO t FROM INFILE 'f' FORMAT CSV", "SYNTAX_ERROR"],
    ["INSERT INTO t SELECT 1; DROP TABLE t", "SYNTAX_ERROR"],
    ["SELECT 'open", "SYNTAX_ERROR"],
    ["/* open", "SYNTAX_ERROR"],
    ["  -- nothing", "SYNTAX_ERROR"],
  ])("%j is refused", (text, type) => {
    expect(parse(text)).toMatchObject({ kind: "refused", error: { type } });
  });
});

describe("the lexer", () => {
  it("takes any quoted text for one token, whatever is in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        const tokens = [...lexSql(latin1(`${quoteString(value)} ${quoteIdentifier(value)};`))];
        expect(tokens.map(({ kind }) => kind)).toEqual(["string", "identifier", "symbol"]);
      }),
    );
  });

  it("never ends beside its input, and its tokens do not overlap", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (source) => {
        let end = 0;
        for (const token of lexSql(latin1(source))) {
          expect(token.start).toBeGreaterThanOrEqual(end);
          expect(token.end).toBeGreaterThan(token.start);
          end = token.end;
        }
        expect(end).toBeLessThanOrEqual(latin1(source).length);
      }),
    );
  });

  it.each([
    ["SELECT $$ ; $$", 2],
    ["SELECT $x$ ; $$ $x$", 2],
    ["SELECT ‘;’", 2],
    ["SELECT “;”", 2],
    ["SELECT 'a''; b'", 2],
    ["SELECT 'a\\'; b'", 2],
    ["SELECT 1 -- ;", 2],
    ["SELECT 1 #! ;", 2],
  ])("finds no semicolon in %s", (text, count) => {
    expect([...lexSql(latin1(text))]).toHaveLength(count);
  });
});

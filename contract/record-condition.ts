/**
 * Conditions on a recorded prediction, as documents write them: `decision = 'blocked' AND amount_eur > 100`. The
 * grammar is a small part of SQL's and is read here into a tree, so that nothing of the text reaches an engine.
 *
 *   condition  := all (OR all)*          all := one (AND one)*
 *   one        := NOT one | "(" condition ")" | name test
 *   test       := (= | != | <> | < | <= | > | >=) literal | [NOT] IN "(" literal, … ")" | IS [NOT] NULL
 *   name       := version | label | score | value | latency | any feature or tag, also feature.NAME, tag.NAME, "NAME"
 *   literal    := 'text' | number, and after = and != also TRUE | FALSE
 */
import { LIMITS } from "./limits.ts";

export type RecordCondition =
  | { readonly kind: "all" | "any"; readonly of: readonly RecordCondition[] }
  | { readonly kind: "not"; readonly of: RecordCondition }
  | { readonly kind: "missing"; readonly name: RecordName }
  | {
      readonly kind: "compare";
      readonly name: RecordName;
      readonly by: Comparison;
      readonly to: string | number;
    }
  /** Values are all texts or all numbers. */
  | {
      readonly kind: "one-of";
      readonly name: RecordName;
      readonly values: readonly (string | number)[];
    };

export interface RecordName {
  /** A column of the record, a feature, a tag, or whichever of the two last the record has. */
  readonly place: "record" | "feature" | "tag" | "any";
  readonly name: string;
}

const COMPARISONS = ["=", "!=", "<", "<=", ">", ">="] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** Columns of a record that a condition can name, and whether they hold numbers. */
export const RECORD_COLUMNS: Readonly<Record<string, "text" | "number">> = {
  version: "text",
  label: "text",
  score: "number",
  value: "number",
  latency: "number",
};

export type ReadCondition =
  | { readonly kind: "condition"; readonly condition: RecordCondition }
  | { readonly kind: "wrong"; readonly reason: string };

/** @returns the condition, or what is wrong with the text and where (characters from 1) */
export function readCondition(text: string): ReadCondition {
  if (text.length > LIMITS.conditionCharactersMax) {
    return { kind: "wrong", reason: `is longer than ${LIMITS.conditionCharactersMax} characters` };
  }
  try {
    return { kind: "condition", condition: new Parser(text).whole() };
  } catch (error) {
    if (error instanceof Wrong) return { kind: "wrong", reason: error.message };
    throw error;
  }
}

class Wrong extends Error {}

interface Token {
  readonly kind: "word" | "quoted" | "text" | "number" | "sign" | "end";
  readonly text: string;
  readonly at: number;
}

const TOKEN =
  /\s*(?:(?<word>[A-Za-z_][\w.]*)|"(?<quoted>[^"]+)"|`(?<ticked>[^`]+)`|'(?<text>(?:[^']|'')*)'|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<sign>!=|<>|<=|>=|[=<>(),]))/y;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  for (let at = 0; text.slice(at).trim() !== ""; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const groups = pattern.exec(text)?.groups;
    const from = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
    if (groups === undefined) throw new Wrong(`cannot read "${text[from]}" at ${from + 1}`);
    const { word, quoted = groups["ticked"], text: said, number, sign } = groups;
    if (word !== undefined) tokens.push({ kind: "word", text: word, at: from });
    else if (quoted !== undefined) tokens.push({ kind: "quoted", text: quoted, at: from });
    else if (said !== undefined) {
      tokens.push({ kind: "text", text: said.replaceAll("''", "'"), at: from });
    } else if (number !== undefined) tokens.push({ kind: "number", text: number, at: from });
    else tokens.push({ kind: "sign", text: sign === "<>" ? "!=" : (sign ?? ""), at: from });
  }
  return [...tokens, { kind: "end", text: "its end", at: text.length }];
}

const WORDS = new Set(["AND", "OR", "NOT", "IN", "IS", "NULL", "TRUE", "FALSE"]);

class Parser {
  private readonly tokens: readonly Token[];
  private next = 0;
  private depth = 0;

  constructor(text: string) {
    this.tokens = tokensOf(text);
  }

  whole(): RecordCondition {
    const condition = this.any();
    if (this.token.kind !== "end") throw this.wrong("AND, OR or the end");
    return condition;
  }

  private any(): RecordCondition {
    return this.joined("any", "OR", () => this.joined("all", "AND", () => this.one()));
  }

  private joined(kind: "all" | "any", word: string, part: () => RecordCondition): RecordCondition {
    const of = [part()];
    while (this.takes(word)) of.push(part());
    return of.length === 1 ? of[0]! : { kind, of };
  }

  private one(): RecordCondition {
    if (this.depth === LIMITS.conditionDepthMax) {
      throw new Wrong(`is nested deeper than ${LIMITS.conditionDepthMax}`);
    }
    this.depth++;
    const condition = this.inner();
    this.depth--;
    return condition;
  }

  private inner(): RecordCondition {
    if (this.takes("NOT")) return { kind: "not", of: this.one() };
    if (!this.takes("(")) return this.test(this.name());
    const condition = this.any();
    this.expect(")");
    return condition;
  }

  private test(name: RecordName): RecordCondition {
    if (this.takes("IS")) {
      const negated = this.takes("NOT");
      this.expect("NULL");
      return negatedIf(negated, { kind: "missing", name });
    }
    const negated = this.takes("NOT");
    if (this.takes("IN")) return negatedIf(negated, this.oneOf(name));
    const by = COMPARISONS.find((sign) => sign === this.token.text);
    if (negated || this.token.kind !== "sign" || by === undefined) {
      throw this.wrong(negated ? "IN" : "a comparison, IN or IS");
    }
    this.next++;
    const truth = this.truth();
    if (truth === null) return { kind: "compare", name, by, to: this.literal(name) };
    if (by !== "=" && by !== "!=")
      throw new Wrong(`"${name.name}" is compared by ${by} with a truth`);
    return negatedIf(by === "!=", { kind: "one-of", name, values: truth });
  }

  /** What capture makes of it: a category, or a number where the feature is declared as one. */
  private truth(): readonly string[] | null {
    if (this.takes("TRUE")) return ["true", "1"];
    return this.takes("FALSE") ? ["false", "0"] : null;
  }

  private oneOf(name: RecordName): RecordCondition {
    this.expect("(");
    const values = [this.literal(name)];
    while (this.takes(",")) values.push(this.literal(name));
    this.expect(")");
    if (new Set(values.map((value) => typeof value)).size > 1) {
      throw new Wrong(`"${name.name}" is compared with texts and numbers at once`);
    }
    return { kind: "one-of", name, values };
  }

  private name(): RecordName {
    const { kind, text } = this.token;
    if (kind === "quoted" || (kind === "word" && !WORDS.has(text.toUpperCase()))) {
      this.next++;
      if (kind === "quoted") return { place: "any", name: text };
      if (text in RECORD_COLUMNS) return { place: "record", name: text };
      const [, place, name] = /^(feature|tag)\.(.+)$/.exec(text) ?? [];
      if (name === undefined) return { place: "any", name: text };
      return { place: place === "tag" ? "tag" : "feature", name };
    }
    throw this.wrong("a feature, a tag or a column");
  }

  private literal({ place, name }: RecordName): string | number {
    const { kind, text } = this.token;
    if (kind !== "text" && kind !== "number") throw this.wrong("a 'text' or a number");
    const wanted = place === "record" ? RECORD_COLUMNS[name] : undefined;
    if (wanted !== undefined && wanted !== kind) throw this.wrong(`a ${wanted} for "${name}"`);
    this.next++;
    return kind === "number" ? Number(text) : text;
  }

  private get token(): Token {
    return this.tokens[this.next]!;
  }

  private takes(text: string): boolean {
    const { kind, text: said } = this.token;
    const same = kind === "word" ? said.toUpperCase() === text : kind === "sign" && said === text;
    if (same) this.next++;
    return same;
  }

  private expect(text: string): void {
    if (!this.takes(text)) throw this.wrong(`"${text}"`);
  }

  private wrong(expected: string): Wrong {
    const { kind, text, at } = this.token;
    const found = kind === "end" ? text : `"${text}"`;
    return new Wrong(`expected ${expected} at ${at + 1}, there is ${found}`);
  }
}

function negatedIf(negated: boolean, of: RecordCondition): RecordCondition {
  return negated ? { kind: "not", of } : of;
}

/**
 * ClickHouse's lexical rules, as far as one must know them to find words outside quotes and
 * comments. Input is text decoded as latin1, so that offsets are bytes; the typographic quotes that
 * the engine accepts are therefore three-character sequences here. Lazy: an INSERT's data is never
 * looked at.
 */
export type TokenKind = "word" | "number" | "string" | "identifier" | "symbol" | "unterminated";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const WORD = /[A-Za-z_$\u0080-\u00ff][A-Za-z0-9_$\u0080-\u00ff]*/y;
const NUMBER = /[0-9][A-Za-z0-9_.]*/y;
const HEREDOC_OPEN = /\$[A-Za-z0-9_]*\$/y;
const BLANK = /(?:[ \t\r\n\f\v]+|--[^\n]*|#[! ][^\n]*|\/\*[\s\S]*?\*\/)+/y;

/** Quotes: what opens, what closes, what kind it makes. ‘’ and “” as their UTF-8 bytes. */
const QUOTES: readonly { open: string; close: string; kind: TokenKind }[] = [
  { open: "'", close: "'", kind: "string" },
  { open: '"', close: '"', kind: "identifier" },
  { open: "`", close: "`", kind: "identifier" },
  { open: "\u00e2\u0080\u0098", close: "\u00e2\u0080\u0099", kind: "string" },
  { open: "\u00e2\u0080\u009c", close: "\u00e2\u0080\u009d", kind: "identifier" },
];

/**
 * Tokens of `source` in order; an unclosed quote or comment ends the sequence as `unterminated`.
 */
export function* lexSql(source: string): Generator<Token, void> {
  let at = 0;
  while (at < source.length) {
    at = matchEnd(BLANK, source, at) ?? at;
    if (at >= source.length) return;
    const token = nextToken(source, at);
    yield token;
    if (token.kind === "unterminated") return;
    at = token.end;
  }
}

function nextToken(source: string, start: number): Token {
  const make = (kind: TokenKind, end: number): Token => ({
    kind,
    text: source.slice(start, end),
    start,
    end,
  });
  if (source.startsWith("/*", start)) return make("unterminated", source.length);
  for (const quote of QUOTES) {
    if (!source.startsWith(quote.open, start)) continue;
    const end = closingQuote(source, start + quote.open.length, quote.close);
    return end === undefined ? make("unterminated", source.length) : make(quote.kind, end);
  }
  const heredoc = matchEnd(HEREDOC_OPEN, source, start);
  if (heredoc !== undefined) {
    const tag = source.slice(start, heredoc);
    const close = source.indexOf(tag, heredoc);
    if (close >= 0) return make("string", close + tag.length);
  }
  const word = matchEnd(WORD, source, start);
  if (word !== undefined) return make("word", word);
  const number = matchEnd(NUMBER, source, start);
  if (number !== undefined) return make("number", number);
  return make("symbol", start + 1);
}

/** End of a quoted run; a doubled closing quote and a backslash keep it open. */
function closingQuote(source: string, from: number, close: string): number | undefined {
  let at = from;
  while (at < source.length) {
    if (source[at] === "\\") {
      at += 2;
    } else if (source.startsWith(close, at)) {
      if (close.length === 1 && source[at + 1] === close) at += 2;
      else return at + close.length;
    } else {
      at += 1;
    }
  }
  return undefined;
}

function matchEnd(pattern: RegExp, source: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(source) ? pattern.lastIndex : undefined;
}

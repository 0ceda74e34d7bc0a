/**
 * Prometheus' text format 0.0.4 and OpenMetrics 1.0 as lines of samples with the type of their family. Strict
 * about what a line says, since a number that is read wrongly is worse than none; bounded, since the other
 * side may be anything. Exemplars and HELP are passed over. What a sample is worth is `exposition-points.ts`'s.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";

export type FamilyType = "counter" | "gauge" | "histogram" | "summary" | "other";

export interface TextSample {
  /** As written, with `_bucket`, `_total` and the like. */
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface Exposition {
  readonly samples: readonly TextSample[];
  /** By name of family, as TYPE lines say it. */
  readonly types: ReadonlyMap<string, FamilyType>;
}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const QUOTED = /"((?:[^"\\\n]|\\.)*)"/y;
const REST = /[ \t]+(\S+)(?:[ \t]+(-?[0-9.eE+]+))?[ \t]*(?:#.*)?$/y;
const TYPE = /^#[ \t]+TYPE[ \t]+(\S+)[ \t]+(\S+)[ \t]*$/;

/** @throws {DriftmendError} exposition_invalid */
export function readExposition(text: string): Exposition {
  const samples: TextSample[] = [];
  const types = new Map<string, FamilyType>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.startsWith("#")) {
      if (line.trimEnd() === "# EOF") break;
      const type = TYPE.exec(line);
      if (type !== null) types.set(unquoted(type[1] ?? ""), familyType(type[2] ?? ""));
      continue;
    }
    if (line.trim() === "") continue;
    if (samples.length >= LIMITS.scrapeSamplesMax) {
      throw expositionInvalid(`it has more than ${LIMITS.scrapeSamplesMax} samples`);
    }
    const sample = readSample(line.replace(/\r$/, ""));
    if (sample === null) throw expositionInvalid(`line ${index + 1} is no sample`);
    samples.push(sample);
  }
  return { samples, types };
}

/** Null for what is none. */
function readSample(line: string): TextSample | null {
  const labels = new Map<string, string>();
  let at = line.length - line.trimStart().length;
  let name = take(NAME, line, at)?.[0] ?? "";
  at += name.length;
  if (line[at] === "{") {
    const end = readLabels(line, at + 1, labels);
    if (end === null) return null;
    at = end;
    // OpenMetrics' quoted names stand within the braces.
    if (name === "") name = labels.get("") ?? "";
    labels.delete("");
  }
  const rest = take(REST, line, at);
  const value = numberOf(rest?.[1] ?? "");
  return name === "" || value === null ? null : { name, labels, value };
}

/** The place after the closing brace; null where there are no labels. */
function readLabels(line: string, from: number, labels: Map<string, string>): number | null {
  let at = skipBlanks(line, from);
  while (line[at] !== "}") {
    const name = take(LABEL, line, at)?.[0] ?? "";
    const quotedName = name === "" ? take(QUOTED, line, at) : null;
    at = skipBlanks(line, at + name.length + (quotedName?.[0].length ?? 0));
    if (quotedName !== null && line[at] !== "=") {
      if (labels.has("")) return null;
      labels.set("", unescaped(quotedName[1] ?? ""));
    } else {
      const key = quotedName === null ? name : unescaped(quotedName[1] ?? "");
      if (key === "" || line[at] !== "=" || labels.has(key)) return null;
      at = skipBlanks(line, at + 1);
      const value = take(QUOTED, line, at);
      if (value === null || labels.size >= LIMITS.metricLabelsMax) return null;
      labels.set(key, unescaped(value[1] ?? ""));
      at = skipBlanks(line, at + value[0].length);
    }
    if (line[at] === ",") at = skipBlanks(line, at + 1);
    else if (line[at] !== "}") return null;
  }
  return at + 1;
}

function take(pattern: RegExp, line: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(line);
}

function skipBlanks(line: string, from: number): number {
  let at = from;
  while (line[at] === " " || line[at] === "\t") at++;
  return at;
}

const unescaped = (text: string): string =>
  text.includes("\\")
    ? text.replace(/\\(.)/g, (whole, char: string) =>
        char === "n" ? "\n" : char === "\\" || char === '"' ? char : whole,
      )
    : text;

const unquoted = (text: string): string =>
  /^".*"$/.test(text) ? unescaped(text.slice(1, -1)) : text;

/** As Go and Prometheus write numbers; null for anything else. */
function numberOf(text: string): number | null {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  if (/^[+-]?inf(?:inity)?$/i.test(text)) {
    return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  return /^[+-]?nan$/i.test(text) ? Number.NaN : null;
}

function familyType(type: string): FamilyType {
  return type === "counter" || type === "gauge" || type === "histogram" || type === "summary"
    ? type
    : "other";
}

function expositionInvalid(state: string): DriftmendError {
  return new DriftmendError("exposition_invalid", {
    retry: "later",
    message: `Cannot read the answer as Prometheus' text format: ${state}`,
    next: "Look at the address with curl: it must answer with metrics, as Prometheus would scrape them.",
  });
}
